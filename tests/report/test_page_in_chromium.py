"""The page in a real browser: Chromium and its driver, and selenium, all of which the system has to have.

Debian: apt install chromium chromium-driver; pip install selenium. Without them these tests are skipped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from event_rows import MONDAY, Row, event, settled

from leanloop.adapters.report.gather import gather
from leanloop.adapters.report.page import as_page

webdriver: Any = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
if CHROMIUM is None or DRIVER is None:
    pytest.skip("there is no Chromium with its driver here", allow_module_level=True)

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip

CONTRASTS = """
const parts = text => { const n = text.match(/[\\d.]+/g).map(Number); return text.startsWith('color(') ?
    n.slice(0, 3).map(x => x * 255).concat(n.length > 3 ? n[3] : 1) : [n[0], n[1], n[2], n.length > 3 ? n[3] : 1]; };
const line = x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => [r, g, b].map(x => line(x / 255))
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
const behind = element => { for (let e = element; e; e = e.parentElement) {
    const colour = parts(getComputedStyle(e).backgroundColor); if (colour[3] > 0) return colour; }
    return [255, 255, 255, 1]; };
const found = [];
for (const one of document.querySelectorAll('body *')) {
    const text = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const isBar = one.matches('.span, .swatch, .chart .rect');
    if ((!text && !isBar) || !one.getClientRects().length || one.tagName === 'title') continue;
    const style = getComputedStyle(one), svg = one instanceof SVGElement;
    const a = light(parts(svg ? style.fill : isBar ? style.backgroundColor : style.color));
    const b = light(behind(isBar ? one.parentElement : one));
    found.push([isBar ? 'graphic' : 'text', one.tagName + ' ' + one.textContent.slice(0, 40),
        (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
}
return found;
"""
"""The contrast of all that is seen with what is behind it, as WCAG 2.2 reckons it (relative luminance)."""


def rows() -> list[Row]:
    long = "name-without-any-space-in-it-" * 6
    hostile = '<script>console.error("run")</script><img src="https://example.org/x.png">'
    made = [
        settled(
            1_000_000 * (number + 1),
            at=MONDAY + number * 3_000,
            agent=f"agent{number % 7}",
            model=f"model{number % 3}",
            phase=("plan", "tool", "retry")[number % 3],
            task=f"task{number % 12}",
            tags={"user": f"u{number % 9}", "long": long},
            limits={"agent=a per day: usd": [number * 1_000, 40_000], "this task: usd": [number, 90]},
        )
        for number in range(90)
    ]
    made += [event("tool", tool=long, arguments="h", task="task11", at=MONDAY + 9 + number) for number in range(4)]
    made += [event("hit", tier=tier, at=MONDAY + 50) for tier in ("exact", "miss", "checked")]
    made += [
        event("saved", plugin="p", what=hostile, how=long, cost=cost, at=MONDAY + cost) for cost in (-5_000, 9_000)
    ]
    made += [event("refused", resource="usd", scope=long), event("landed", reason=hostile), event("nudged", what=long)]
    made += [event("gated", by="routes", setting=long, cost=5, other_cost=50), settled(5, agent=hostile, model=long)]
    return made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest, browser: Any) -> str:
    features = [{"name": "prefers-color-scheme", "value": request.param}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    return str(request.param)


def wide(browser: Any, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def hostile_rows() -> list[Row]:
    """Fifty of everything, by names that are long, right to left, of other scripts, or mark-up."""
    names = (
        '<script>console.error("x")</script>',
        "x" * 200,
        "\u202eevil",
        "نموذج عربي طويل",
        "מודל (1)",
        "🦜🔗 🚀",
        "=1+1",
    )
    made: list[Row] = []
    for number in range(50):
        name = f"{names[number % len(names)]} {number}"
        at = MONDAY + number * 9_000
        made += [
            settled(
                number, at=at, agent=name, model=name, phase=name, task=name, tags={name: name}, error=name,
                limits={f"{name} per day: usd": [number, 50]},
            ),
            *(event("tool", tool=name, arguments="h", task=name, at=at + again) for again in (1, 2)),
            event("saved", plugin=name, what=name, how=name, cost=number, at=at),
            event("refused", resource=name, scope=name, at=at),
        ]  # fmt: skip
    return made


def long_tasks() -> list[Row]:
    return [
        settled(number, at=MONDAY + number, task=f"task{task}", seconds=0.5)
        for task in range(10)
        for number in range(500)
    ]


PAGES: Mapping[str, Callable[[], list[Row]]] = {
    "full": rows,
    "empty": list,
    "one event": lambda: [settled(5)],
    "hostile": hostile_rows,
    "free": lambda: [settled(0, at=MONDAY + number) for number in range(9)],
    "long tasks": long_tasks,
}


@pytest.fixture(params=["full", "empty"])
def page(request: pytest.FixtureRequest, browser: Any, write: Callable[..., str], tmp_path: Path) -> str:
    file = tmp_path / "report.html"
    file.write_text(as_page(gather([write(PAGES[request.param]())])), "utf-8")
    wide(browser, 1_200)
    browser.get_log("browser")
    browser.get(file.as_uri())
    return str(request.param)


@pytest.mark.parametrize("page", PAGES, indirect=True)
@pytest.mark.parametrize("width", [320, 375, 768, 1_280])
def test_the_page_is_no_wider_than_the_screen_with_all_tasks_open(width: int, page: str, browser: Any) -> None:
    wide(browser, width)

    browser.execute_script("for (const one of document.querySelectorAll('details')) one.open = true;")

    asked = "return [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    assert max(browser.execute_script(asked)) == width


@pytest.mark.parametrize("page", PAGES, indirect=True)
def test_the_console_is_empty_and_nothing_is_loaded(page: str, scheme: str, browser: Any) -> None:
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []
    assert browser.execute_script("return document.querySelectorAll('script, img').length") == 0


def test_all_that_is_seen_has_contrast(page: str, scheme: str, browser: Any) -> None:
    browser.execute_script("for (const one of document.querySelectorAll('details')) one.open = true;")

    found = browser.execute_script(CONTRASTS)

    least = {"text": 4.5, "graphic": 3.0}  # WCAG 2.2, 1.4.3 and 1.4.11, level AA
    assert [(kind, what, ratio) for kind, what, ratio in found if ratio < least[kind]] == []
    assert len(found) > (300 if page == "full" else 20)


def test_headings_go_down_one_step_at_a_time_and_parts_have_names(page: str, browser: Any) -> None:
    asked = """const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
    return [
        [...document.querySelectorAll('h1, h2, h3, h4')].map(one => Number(one.tagName[1])),
        ['header', 'nav', 'main'].map(one => document.querySelectorAll(one).length),
        [...document.querySelectorAll('nav, section, [role=region]')].filter(one => !(one.getAttribute('aria-label')
            || document.getElementById(one.getAttribute('aria-labelledby')))).length,
        [...document.querySelectorAll('a[href^="#"]')].filter(one => !document.querySelector(one.hash)).length,
        ids.length - new Set(ids).size,
        [...document.querySelectorAll('th')].filter(one => !one.scope).length]"""

    levels, landmarks, nameless, dead, doubled, unscoped = browser.execute_script(asked)

    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    assert landmarks == [1, 1, 1]
    assert (nameless, dead, doubled, unscoped) == (0, 0, 0, 0)


def test_what_is_pressed_is_large_enough_for_a_finger(page: str, browser: Any) -> None:
    wide(browser, 320)
    asked = """return [...document.querySelectorAll('nav a, summary')].map(one => one.getBoundingClientRect())
        .map(one => [one.width, one.height])"""

    sizes = browser.execute_script(asked)

    assert min(min(size) for size in sizes) >= 24  # WCAG 2.2, 2.5.8, level AA; pixels


def test_letters_of_charts_are_legible_on_a_phone(page: str, browser: Any) -> None:
    wide(browser, 375)
    asked = """return [...document.querySelectorAll('svg text')].filter(one => one.textContent.trim())
        .map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)"""

    assert min(browser.execute_script(asked), default=12) >= 10


@pytest.mark.parametrize("page", PAGES, indirect=True)
def test_no_letter_of_a_chart_is_cut_off_at_its_edge(page: str, browser: Any) -> None:
    asked = """return [...document.querySelectorAll('svg text')].filter(one => one.textContent.trim()).filter(one => {
        const a = one.getBoundingClientRect(), b = one.closest('svg').getBoundingClientRect();
        return a.left < b.left - 1 || a.right > b.right + 1; }).map(one => one.textContent)"""

    assert browser.execute_script(asked) == []


def test_nothing_moves_by_itself(page: str, browser: Any) -> None:
    assert browser.execute_script("return document.getAnimations().length") == 0


def test_the_page_is_dark_where_that_is_preferred(page: str, scheme: str, browser: Any) -> None:
    back = browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 28)"}[scheme]


def test_a_task_is_opened_with_the_keyboard_alone(browser: Any, write: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(as_page(gather([write([settled(5), settled(3, task="t2")])])), "utf-8")
    browser.get(file.as_uri())
    focus = (
        "const one = document.activeElement; return [one.tagName, one.textContent, getComputedStyle(one).outlineStyle]"
    )
    keys = webdriver.Keys if hasattr(webdriver, "Keys") else None
    tab, enter = (keys.TAB, keys.ENTER) if keys else ("\ue004", "\ue007")

    order: list[str] = []
    for _ in range(80):
        webdriver.ActionChains(browser).send_keys(tab).perform()
        kind, text, outline = browser.execute_script(focus)
        assert outline != "none", text
        order.append(kind)
        if kind == "SUMMARY" and text.startswith("Task "):
            break
    webdriver.ActionChains(browser).send_keys(enter).perform()

    assert order[0] == "A"  # to the figures
    opened = browser.execute_script("return [...document.querySelectorAll('details[open] table')].map(one => one.id)")
    assert opened == ["task_1"]


def test_each_table_has_a_caption_and_each_chart_a_name_and_a_table(browser: Any, page: str) -> None:
    asked = """return [
        [...document.querySelectorAll('table')].filter(one => !one.caption || !one.tHead).length,
        [...document.querySelectorAll('svg')].filter(one => one.getAttribute('role') !== 'img'
            || !one.getAttribute('aria-label')
            || !one.closest('.chart').nextElementSibling.querySelector('table')).length,
        document.querySelectorAll('h1').length, document.documentElement.lang, document.title]"""

    assert browser.execute_script(asked) == [0, 0, 1, "en", "leanloop report"]
