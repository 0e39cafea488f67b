from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.budgets.images import image_tokens, size_of
from leanloop.budgets.message import Image

MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-5", "o4-mini", "gpt-5.4", "claude-opus-4-7", "claude-3-opus", "gemini-2.5-pro"]
SIDE = st.integers(min_value=1, max_value=20_000)


@pytest.mark.parametrize(
    ("model", "image", "tokens"),
    [
        # The examples of OpenAI's page.
        ("gpt-4o", Image(1024, 1024, "high"), 765),
        ("gpt-4o", Image(2048, 4096, "high"), 1105),
        ("gpt-4o", Image(4096, 8192, "low"), 85),
        ("gpt-4.1-mini", Image(1024, 1024), 1659),  # 1024 patches of 1.62
        ("gpt-4.1-nano", Image(1800, 2400), 3779),  # 1536 patches of 2.46, where the page shrinks to 1452
        # Small pictures are not enlarged: billed 255 and 85 in a test with 128 x 64.
        ("gpt-4o", Image(128, 64), 255),
        ("gpt-4o-mini", Image(128, 64), 8500),
        ("o1", Image(512, 512), 225),
        ("openai:gpt-5", Image(512, 512), 210),
        ("openrouter/openai/gpt-4o", Image(512, 512), 255),
        ("ft:gpt-4o-mini:org::id", Image(512, 512, "low"), 2833),
        # Anthropic's page: 1092 x 1092 takes about 1,590 tokens, larger ones are shrunk.
        ("claude-sonnet-4-5", Image(1092, 1092), 1590),
        ("claude-sonnet-4-5", Image(8000, 8000), 1600),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", Image(3000, 2000), 1600),
        ("claude-opus-4-7", Image(8000, 8000), 4784),
        ("anthropic/claude-opus-4-7", Image(280, 280), 105),
        # Google's page: 258 up to 384 pixels; 960 x 540 is cut into 6.
        ("gemini-2.5-flash", Image(384, 384), 258),
        ("models/gemini-2.0-flash", Image(960, 540), 1548),
        ("gemini-3-pro-preview", Image(5000, 5000), 1120),
        ("a-model-of-nobody", Image(10, 10), 6192),
    ],
)
def test_a_picture_costs_what_the_provider_publishes(model: str, image: Image, tokens: int) -> None:
    assert image_tokens(image, model) == tokens


@pytest.mark.parametrize("model", MODELS)
@settings(deadline=None)
@given(width=SIDE, height=SIDE)
def test_a_picture_of_unknown_size_costs_the_worst_case(model: str, width: int, height: int) -> None:
    worst = image_tokens(Image(), model)
    assert 0 < image_tokens(Image(width, height), model) <= worst
    assert image_tokens(Image(width, None), model) == image_tokens(Image(0, height), model) == worst


def test_the_size_of_a_png_is_read_from_its_head() -> None:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + b"\x08\x02\x00\x00\x00"
    assert size_of(head) == (640, 480)


def test_bytes_that_are_no_picture_have_no_size() -> None:
    assert size_of(b"") is None
    assert size_of(b"not a picture, but long enough to be read as one") is None


@settings(deadline=None)
@given(
    st.sampled_from(
        [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF", b"II*\x00", b"<svg ", b"BM", b"P6 "]
    ),
    st.binary(max_size=200),
)
def test_hostile_bytes_never_raise(head: bytes, rest: bytes) -> None:
    size = size_of(head + rest)
    assert size is None or min(size) > 0
