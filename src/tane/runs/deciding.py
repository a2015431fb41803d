"""Deciding steps within one run: each by its key, the result kept under it, and what was there before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tane.ledger import records
from tane.plan import decisions, steps
from tane.runs import keying


class Decided(NamedTuple):
    """A step's key and what it was made from, the result kept under that key, and what is to be done."""

    key: str
    basis: records.Basis
    found: keying.Result | None
    decision: decisions.Decision


class Decider:
    """What one run decides by. `force` are the names of nodes that run whatever is kept."""

    def __init__(self, keys: keying.Keys, force: frozenset[str]) -> None:
        self._keys = keys
        self._force = force
        self._own: dict[str, keying.Result] = {}  # what this run has made, by key: equal steps work once

    def decide(
        self, step: steps.Step, seen: Mapping[str, steps.Seen], label: str = "", *, item: bool = False
    ) -> Decided:
        """What to do with a step of which the inputs are `seen`, or with its work on the item called `label`."""
        keys, name = self._keys, step.node.name
        key, basis, versions = keys.of(step, seen, item=item)
        found, damage = keys.judged(self._own.get(key) or keys.result(key), key, label or name)
        known = decisions.Known(found is not None, damage, lambda: keys.before(label or name), keys.document)
        return Decided(key, basis, found, decisions.decide(step, basis, versions, known, forced=name in self._force))

    def note(self, key: str, made: keying.Result) -> None:
        """Remember what this run has made under a key."""
        self._own[key] = made
