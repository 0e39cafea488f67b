"""What a reader has to know of all figures: which of them are no bookings, but were reckoned here."""

from __future__ import annotations

import duckdb

__all__ = ["notes_of"]


def notes_of(db: duckdb.DuckDBPyConnection) -> list[str]:
    """A sentence on each kind of them that there is."""
    found = db.execute("""
        SELECT count(*), count(*) FILTER (estimated), count(*) FILTER (priced), count(*) FILTER (cost IS NULL),
            count(*) FILTER (moment IS NULL), count(*) FILTER (input IS NULL)
        FROM events WHERE event = 'settled'""").fetchone()
    calls, estimated, priced, unpriced, timeless, uncounted = found or (0,) * 6

    def of(number: int) -> str:
        return f"{number:,} of {calls:,} calls"

    said = {
        f"Tokens of {of(estimated)} were not reported and are counted, as if no prefix had been cached.": estimated,
        f"Tokens of {of(uncounted)} are neither recorded nor to be counted.": uncounted,
        f"What {of(priced)} cost is not recorded and was reckoned by today's price list (genai-prices).": priced,
        f"What {of(unpriced)} cost is not known: they are in no sum of money.": unpriced,
        f"When {of(timeless)} were made is not recorded: they are in all sums, and in nothing over time.": timeless,
    }
    return [sentence for sentence, number in said.items() if number]
