# Every target makes the virtual environment it needs, and renews it when pyproject.toml changed.
# Needed beforehand: make and a Python of 3.11 or later (another one: make test PYTHON=python3.13).

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
JOBS ?= 2
PIP_INSTALL = -m pip --disable-pip-version-check install --quiet
# The tests that touch LangChain, found by their text so that no new one is forgotten.
LANGCHAIN_TESTS = $(shell grep -rlE 'langchain|langgraph|deepagents' tests --include='test_*.py')

.DEFAULT_GOAL := help
.PHONY: help install demo docs test lint check test-bare test-lines test-llama test-extras newcomer bench clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z.-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

install: .venv/.installed ## .venv with everything for development

demo: .venv-demo/.installed ## an agent with and without a budget, side by side; no key, no network
	@.venv-demo/bin/leanloop demo

test: .venv/.installed ## the tests, with coverage
	.venv/bin/python -m pytest -n $(JOBS) --cov --cov-report=term

lint: .venv/.installed ## ruff, mypy, pyright, import contract
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/pyright
	PYTHONPATH=src .venv/bin/lint-imports

check: lint test ## lint, then test: what must be green before a commit

docs: .venv/.installed ## the documentation site, in build/site; a warning is a failure
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --quiet

test-bare: .venv-bare/.installed ## what must work with no extra installed
	.venv-bare/bin/python -m pytest tests/test_without_extras.py

test-lines: .venv/.installed ## the LangChain tests on each supported release line that .venv does not have
	@for line in 1.4 1.5; do \
		case "$$(.venv/bin/python -c 'from importlib.metadata import version; print(version("langchain"))')" in \
			$$line.*) echo "langchain $$line: covered by make test" ;; \
			*) $(MAKE) test-langchain-$$line || exit 1 ;; \
		esac; \
	done

test-langchain-%: .venv-langchain-%/.installed
	.venv-langchain-$*/bin/python -m pytest -n $(JOBS) $(LANGCHAIN_TESTS)

test-llama: .venv-llama/.installed ## the LlamaIndex tests with its integrations, which .venv has no room for
	.venv-llama/bin/python -c 'from llama_index.llms import anthropic, deepseek, google_genai, ollama, openai, openai_like'
	.venv-llama/bin/python -m pytest -n $(JOBS) tests/llama_index

test-extras: ## the wheel with each extra alone, and its part used (another Python: PYTHON=python3.13); a few minutes
	$(PYTHON) tests/shared/extras_alone.py

newcomer: ## the quick start and the ten-minute pages, followed in a fresh clone of what is committed, and timed
	$(PYTHON) tests/shared/newcomer.py

bench: .venv/.installed ## every bench in its quick form (BENCH_ARGS=--json and the like are handed on)
	@status=0; for bench in bench/[a-z]*.py; do \
		echo "== $$bench"; .venv/bin/python $$bench $(BENCH_ARGS) || status=1; \
	done; exit $$status

clean: ## remove the environments and everything built
	rm -rf .venv .venv-demo .venv-bare .venv-langchain-* .venv-llama build dist *.egg-info
	rm -rf .coverage .coverage.* .hypothesis .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp, not the folder, is the target: it is written last, so a broken install is tried again.
define venv
	@test -n "$(PYTHON)" || { echo "leanloop needs Python 3.11 or later; name one: make $@ PYTHON=..." >&2; exit 1; }
	@echo "$(@D): installing"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
endef

.venv/.installed: pyproject.toml
	$(venv)
	@$(@D)/bin/python $(PIP_INSTALL) --editable '.[all,dev]'
	@touch $@

.venv-demo/.installed: pyproject.toml
	$(venv)
	@$(@D)/bin/python $(PIP_INSTALL) --editable '.[langchain]'
	@touch $@

.venv-bare/.installed: pyproject.toml
	$(venv)
	@$(@D)/bin/python $(PIP_INSTALL) --editable '.[test]'
	@touch $@

# LlamaIndex's integrations want other versions of the providers' own packages than LangChain's do. They are imported
# before the tests run, which skip what is not there. anthropic 1.0 dropped parameters that the class passes.
.venv-llama/.installed: pyproject.toml
	$(venv)
	@$(@D)/bin/python $(PIP_INSTALL) --editable '.[llama-index,redis,test]' 'llama-index-llms-openai>=0.8' \
		'llama-index-llms-anthropic>=0.12' 'anthropic<1' 'llama-index-llms-google-genai>=0.11' \
		'llama-index-llms-ollama>=0.11' 'llama-index-llms-openai-like>=0.8' 'llama-index-llms-deepseek>=0.4'
	@touch $@

# --no-deps, because langchain-core 1.8 wants a certifi that an index may not carry yet; then a resolver falls
# back to the 1.4 line. Everything else both lines need is there from the first install.
CORE_1.4 = 1.7
CORE_1.5 = 1.8
.PRECIOUS: .venv-langchain-%/.installed
.venv-langchain-%/.installed: pyproject.toml
	$(venv)
	@$(@D)/bin/python $(PIP_INSTALL) --editable '.[all,dev]'
	@$(@D)/bin/python $(PIP_INSTALL) --no-deps 'langchain==$*.*' 'langchain-core==$(CORE_$*).*'
	@touch $@
