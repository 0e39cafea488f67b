"""Tokens of a picture, by each provider's published rule.

OpenAI      https://platform.openai.com/docs/guides/images-vision ("Calculating costs")
Anthropic   https://platform.claude.com/docs/en/build-with-claude/vision ("Calculate image costs")
Google      https://ai.google.dev/gemini-api/docs/image-understanding ("Token calculation"), and
            https://ai.google.dev/gemini-api/docs/media-resolution for Gemini 3

A picture whose size is not known costs the worst case of its model's rule; a model whose provider is not
known costs the worst case of the general rules. ``auto`` counts as ``high``.
"""

from __future__ import annotations

import io
import math

import imagesize

from leanloop.budgets.message import Image

__all__ = ["image_tokens", "size_of"]

_Size = tuple[int, int] | None

# OpenAI, 512-pixel tiles: (tokens of any picture, tokens of each tile). The longest matching prefix counts.
_TILES = {
    "gpt-4": (85, 170),
    "chatgpt-4o": (85, 170),
    "gpt-4o-mini": (2833, 5667),
    "gpt-5": (70, 140),
    "o1": (75, 150),
    "o3": (75, 150),
    "computer-use-preview": (65, 129),
}
# OpenAI, 32-pixel patches: (tokens of a patch, most patches). From gpt-5.2 on the page gives no factor for the
# large models, so that of the small ones is used; from gpt-5.4 on a picture may keep its size, up to 10,000 patches.
_PATCHES = {
    "gpt-4.1-mini": (1.62, 1536),
    "gpt-4.1-nano": (2.46, 1536),
    "gpt-5-mini": (1.62, 1536),
    "gpt-5-nano": (2.46, 1536),
    "gpt-5-codex-mini": (1.62, 1536),
    "gpt-5.1-codex-mini": (1.62, 1536),
    "gpt-5.2": (1.62, 1536),
    "gpt-5.3": (1.62, 1536),
    "gpt-5.4": (1.62, 10_000),
    "gpt-5.5": (1.62, 10_000),
    "o4-mini": (1.72, 1536),
    "codex-mini": (1.72, 1536),
}
_OPENAI_PREFIXES = sorted((*_TILES, *_PATCHES), key=len, reverse=True)
_TILE, _OPENAI_SQUARE, _OPENAI_SHORT_SIDE, _PATCH = 512, 2048, 768, 32
# Anthropic, models known to take at most 1568 pixels a side; the others are counted as taking 2576.
_STANDARD_RESOLUTION = ("claude-3", "-4-0", "-4-1", "-4-2025", "-4-5", "-4.5", "-4-6", "-4.6", "-4@")
_UNKNOWN = 6192  # the largest of the general rules: Google's 24 crops of 258 tokens


def image_tokens(image: Image, model: str) -> int:
    """Input tokens a picture costs with a model; never less than the provider's published rule says."""
    size = _valid(image)
    name = model.lower().rpartition("/")[2].removeprefix("ft:")
    for prefix in _OPENAI_PREFIXES:
        if name.startswith(prefix) or name.partition(":")[2].startswith(prefix):
            if prefix in _PATCHES:
                return _openai_patches(size, *_PATCHES[prefix])
            return _openai_tiles(size, image.detail, *_TILES[prefix])
    if "claude" in name:
        return _anthropic(size, name)
    if "gemini" in name:
        return _google(size, name)
    return _UNKNOWN


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels read from the head of a picture file; None where it cannot be read; never raises."""
    width, height = imagesize.get(io.BytesIO(data))  # pyright: ignore[reportUnknownMemberType]
    return (int(width), int(height)) if width > 0 and height > 0 else None


def _valid(image: Image) -> _Size:
    if image.width is None or image.height is None or image.width <= 0 or image.height <= 0:
        return None
    return image.width, image.height


def _openai_tiles(size: _Size, detail: str, base: int, tile: int) -> int:
    """Fit into 2048 x 2048, then shrink the short side to 768 (never enlarged), then 512-pixel tiles."""
    if detail == "low":
        return base
    if size is None:
        return base + 8 * tile  # 768 x 2048
    fitted = _shrink(size, _OPENAI_SQUARE, max(size))
    width, height = _shrink(fitted, _OPENAI_SHORT_SIDE, min(fitted))
    return base + tile * math.ceil(width / _TILE) * math.ceil(height / _TILE)


def _openai_patches(size: _Size, each: float, most: int) -> int:
    """One token a 32-pixel patch up to ``most`` (a larger picture is shrunk to fit), times the model's factor."""
    patches = most if size is None else min(most, math.ceil(size[0] / _PATCH) * math.ceil(size[1] / _PATCH))
    return math.ceil(patches * each)


def _anthropic(size: _Size, name: str) -> int:
    """One token a 28-pixel patch after shrinking to the model's largest side and token count.

    The page gave width * height / 750 before; the larger of the two counts.
    """
    older = any(mark in name for mark in _STANDARD_RESOLUTION)
    side, most = (1568, 1600) if older else (2576, 4784)
    if size is None:
        return most
    width, height = _shrink(size, side, max(size))
    patches = math.ceil(width / 28) * math.ceil(height / 28)
    return min(most, max(patches, math.ceil(width * height / 750)))


def _google(size: _Size, name: str) -> int:
    """258 tokens up to 384 x 384, else 258 for each crop; Gemini 3 takes 1120 for any picture by default."""
    if "gemini-3" in name:
        return 1120
    if size is None:
        return _UNKNOWN
    width, height = _shrink(size, 3072, max(size))
    if width <= 384 and height <= 384:
        return 258
    crop = min(768, max(256, math.floor(min(width, height) / 1.5)))
    return 258 * math.ceil(width / crop) * math.ceil(height / crop)


def _shrink(size: tuple[int, int], to: int, side: int) -> tuple[int, int]:
    """Scale both sides by to / side, rounding up in integers, where that makes them smaller."""
    if side <= to:
        return size
    return -(-size[0] * to // side), -(-size[1] * to // side)
