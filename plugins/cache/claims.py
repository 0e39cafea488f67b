"""Who is making which answer, in this process's memory."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Claims"]


class _Claim(NamedTuple):
    owner: str  # empty: nobody, and nobody is to wait
    ends: float


class Claims:
    """Claims by key, each with the time at which it ends. Whoever calls holds a lock, and says what time it is."""

    def __init__(self) -> None:
        self._claims: dict[str, _Claim] = {}
        self._most = 64

    def ask(self, key: str, owner: str, lease: float, now: float) -> tuple[bool, bool]:
        """Whether it is granted; else whether nobody is to wait for it."""
        claim = self._claims.get(key)
        if claim is not None and now < claim.ends and claim.owner != owner:
            return False, not claim.owner
        self._claims[key] = _Claim(owner, now + lease)
        if len(self._claims) > self._most:  # those of owners that never came back
            self._claims = {name: one for name, one in self._claims.items() if now < one.ends}
            self._most = max(64, 2 * len(self._claims))
        return True, False

    def renew(self, key: str, owner: str, lease: float, now: float) -> None:
        """Let it stand for longer, if it still does."""
        claim = self._claims.get(key)
        if claim is not None and claim.owner == owner and now < claim.ends:
            self._claims[key] = _Claim(owner, now + lease)

    def release(self, key: str, owner: str, alone: float, now: float) -> None:
        """Give it up, if it is the owner's."""
        claim = self._claims.get(key)
        if claim is not None and claim.owner == owner:
            del self._claims[key]
            if alone > 0:
                self._claims[key] = _Claim("", now + alone)
