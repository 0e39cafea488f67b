"""Vectors of the cache: float32, finite, of length 1; as bytes half as long."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["BadVectorError", "Vector", "packed_vector", "unit", "unpacked_vector"]

Vector = NDArray[np.float32]


class BadVectorError(Exception):
    """Nothing can be compared with it: it holds NaN or infinity, has no direction, or is of another length."""

    def __init__(self, problem: Literal["dimension", "not_finite"] = "not_finite", detail: str = "") -> None:
        self.problem: Literal["dimension", "not_finite"] = problem
        self.detail = detail or "a vector holds NaN or infinity, nothing but zeros, or no numbers at all"
        super().__init__(self.detail)


def unit(values: ArrayLike) -> Vector:
    """The direction of `values` as float32, whatever kind of numbers they are: a float64 query would have every row of
    an index converted for it.

    Raises:
        BadVectorError: it has none.
    """
    try:
        given = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise BadVectorError from None
    if given.ndim != 1 or not given.size:
        raise BadVectorError
    largest = float(np.max(np.abs(given)))  # NaN where one is
    if not 0.0 < largest < np.inf:
        raise BadVectorError
    scaled = given / largest  # so that no square is beyond what a float holds
    return (scaled / np.sqrt(scaled @ scaled)).astype(np.float32)


def packed_vector(vector: Vector) -> bytes:
    """Two bytes a number, little-endian: half precision moves a cosine by less than a thousandth."""
    return vector.astype("<f2").tobytes()


def unpacked_vector(data: bytes) -> Vector:
    """What was packed, brought to length 1 again.

    Raises:
        BadVectorError: it was not.
    """
    if len(data) % 2:
        raise BadVectorError("dimension", "a vector was cut off")
    return unit(np.frombuffer(data, dtype="<f2"))
