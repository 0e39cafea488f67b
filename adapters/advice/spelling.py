"""One spelling for each model: records, labelled rows and clouds spell a model in several ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from leanloop.budgets.price_table import current_table, listed_name
from leanloop.budgets.prices import Price, PriceBook

__all__ = ["one_price", "spelled_as"]


def one_price(names: Counter[str], prices: PriceBook) -> dict[str, str]:
    """By each of these names, all of which have a price, the most frequent one of the same model at the same price."""
    found: dict[tuple[str, Price], str] = {}
    table = current_table()
    return {
        name: found.setdefault((listed_name(name, table) or name, prices.price(name)), name)
        for name, _ in names.most_common()
    }


def spelled_as(names: Iterable[str], known: Counter[str]) -> Mapping[str, str]:
    """By each of these names the most frequent of the known ones that is of the same model; else what it is first
    spelled like among themselves.
    """
    table = current_table()
    found: dict[str, str] = {}
    for name, _ in known.most_common():
        found.setdefault(listed_name(name, table) or name, name)
    return {name: found.setdefault(listed_name(name, table) or name, name) for name in names}
