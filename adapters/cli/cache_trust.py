"""How far each agent's cache may be trusted: the threshold that was found, and what came of hits that were checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leanloop.adapters.cli.cache_place import Place
from leanloop.plugins.cache.calibration import Calibration, calibration_key
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.live import Record, new_record, read_record

__all__ = ["Trust", "trusts"]

_GROWN = 2
"""Times as many entries as a threshold was tried among, from which on it should be tried anew."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Of one agent and embedder.

    Attributes:
        calibration: what was found, where anything was.
        record: of checked hits.
        suspended: whether only the very same calls are answered, since too many checked hits were wrong.
        state: what follows, in words.
    """

    agent: str
    embedder: str
    calibration: Calibration | None
    record: Record
    suspended: bool
    state: str


def trusts(entries: Iterable[Entry], place: Place, vectors: Mapping[str, int]) -> list[Trust]:
    """What calibrations and records say, those of other versions of the checks left out.

    Args:
        entries: of a cache, those that are no answers.
        place: whose budget says what is promised.
        vectors: how many answers of each agent can be found by meaning.
    """
    # Here, because the checks read their tables of words when they are imported.
    from leanloop.plugins.cache.verify import POLICY

    calibrations: dict[tuple[str, str], Calibration] = {}
    records: dict[tuple[str, str], Record] = {}
    for entry in entries:
        found, record = Calibration.read(entry.reply), read_record(entry.reply)
        if found is not None and entry.key == calibration_key(found.agent, found.fingerprint, POLICY):
            calibrations[found.agent, found.fingerprint] = found
        elif record is not None and entry.key == new_record(record.agent, record.embedder, POLICY, 0).key:
            records[record.agent, record.embedder] = record
    return [
        _trust(name, calibrations.get(name), records.get(name, Record()), place, vectors.get(name[0], 0))
        for name in sorted(calibrations.keys() | records.keys())
    ]


def _trust(
    name: tuple[str, str],
    found: Calibration | None,
    record: Record,
    place: Place,
    vectors: int,
) -> Trust:
    agent, fingerprint = name
    mine = place.budget is not None and place.budget.agent == agent
    promised = place.rules.max_false_hits if mine or found is None else found.promised
    suspended = record.breaks(promised)
    if suspended:
        state = f"suspended: more than {promised:.3%} wrong; tune anew"
    elif found is None or found.threshold is None:
        state = "shadow: no threshold"
    elif found.promised > promised:
        state = f"shadow: the file promises {promised:.3%}; tune anew"
    elif mine and place.rules.semantic != "on":
        state = f"not served: the file says semantic: {place.rules.semantic}"
    elif vectors > _GROWN * found.size:
        state = f"tried among {found.size:,}, now {vectors:,}: tune anew"
    else:
        state = "served" if mine else "served where the file says semantic: on"
    embedder = found.embedder if found is not None and found.embedder else fingerprint or "none"
    return Trust(agent, embedder, found, record, suspended, state)
