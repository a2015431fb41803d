"""Reuse or run, and why: one pure function, asked for each step when its inputs are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tane.ledger import records
from tane.outcomes import Reason, Why
from tane.plan import code, steps, transforms

_SHOWN = 5  # of one kind; more are counted


class Decision(NamedTuple):
    """What to do with a step. Reasons are given for "run" and "wait"; reuse needs none."""

    action: Literal["run", "reuse", "wait"]
    reasons: tuple[Reason, ...] = ()


class Known(NamedTuple):
    """What is known of a step's past.

    `found` says that a result under this very key was kept, `damage` what is wrong with its objects (empty: nothing).
    `before` looks up the last time a step of this name ended well; `documents` gives what its basis names by digest.
    """

    found: bool
    damage: str
    before: Callable[[], records.StepRecord | None]
    documents: Callable[[str], Mapping[str, Any]]


REUSE = Decision("reuse")


def decide(
    step: steps.Step,
    basis: records.Basis,
    versions: Mapping[str, str],
    known: Known,
    *,
    forced: bool,
) -> Decision:
    """Reuse the kept result, or run, with every reason there is.

    `basis` is what the key was made from, `versions` the installed libraries the step rests on.
    """
    if forced:
        return Decision("run", (Reason(Why.FORCED),))
    if step.node.always:
        return Decision("run", (Reason(Why.NEVER_KEPT, "always=True"),))
    if not step.node.cache:
        return Decision("run", (Reason(Why.NEVER_KEPT, "cache=False"),))
    if known.found and not known.damage:
        return REUSE
    if known.found:
        return Decision("run", (Reason(Why.OUTPUT_MISSING, known.damage),))
    before = known.before()
    if before is None:
        return Decision("run", (Reason(Why.FIRST_RUN),))
    changed = changes(step, basis, versions, before, known.documents)
    if changed:
        return Decision("run", tuple(changed))
    if not before.reusable:
        return Decision("run", (Reason(Why.NEVER_KEPT),))
    return Decision("run", (Reason(Why.OUTPUT_MISSING, "its kept result is gone"),))


def waits(producers: Sequence[str]) -> Decision:
    """The decision for a step whose inputs are not known yet: the steps it waits on will run."""
    return Decision("wait", (Reason(Why.WAITS, ", ".join(producers)),))


def changes(
    step: steps.Step,
    basis: records.Basis,
    versions: Mapping[str, str],
    before: records.StepRecord,
    documents: Callable[[str], Mapping[str, Any]],
) -> list[Reason]:
    """What differs between now and the last time, in words."""
    old = before.basis
    found: list[Reason] = []
    if old.code != basis.code:
        labels = code.diff_parts(documents(old.code), step.code.parts)
        found += _some(Why.CODE, labels or [f"{step.node.name}()"])
    found += _some(Why.PARAMETER, _parameter_changes(old.params, basis.params))
    found += _some(Why.INPUT, _input_changes(old.inputs, basis.inputs))
    changed = (old.options.get("transforms", {}), basis.options.get("transforms", {}))
    found += _some(Why.OPTION, transforms.changes(*changed))
    found += _some(Why.OPTION, _option_changes(old.options, basis.options))
    if old.environment != basis.environment:
        found += _some(Why.ENVIRONMENT, _version_changes(documents(old.environment), versions))
    return found


def _some(why: Why, details: Sequence[str]) -> list[Reason]:
    more = f", and {len(details) - _SHOWN} more" if len(details) > _SHOWN else ""
    return [Reason(why, detail + (more if at == _SHOWN else "")) for at, detail in enumerate(details[:_SHOWN], start=1)]


def _parameter_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, "default"), new.get(name, "default")
        if not _is_same(before, after):
            lines += _nested_changes(name.removeprefix("params:"), before, after)
    return lines


def _nested_changes(name: str, before: Any, after: Any) -> list[str]:
    """Mappings are compared leaf by leaf, so that the reason names the setting that changed."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        prefix = "" if name == "parameters" else f"{name}."
        lines = []
        for leaf in sorted(before.keys() | after.keys(), key=str):
            one, other = before.get(leaf, "nothing"), after.get(leaf, "nothing")
            if not _is_same(one, other):
                lines += _nested_changes(f"{prefix}{leaf}", one, other)
        return lines or [f"{name}: keys in another order"]
    was, now = _short(before), _short(after)
    if was == now:  # "1.0" and 1.0, or what differs further on
        was, now = _short(repr(before)), _short(repr(after))
    return [f"{name} {was} -> {now}"]


def _is_same(one: Any, other: Any) -> bool:
    """Whether two parameters are equal in all that a step could see: types and order count."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(type(one) is type(other) and one == other)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _input_changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    changed = [f"{name} changed" for name in new if name in old and old[name] != new[name]]
    return [*changed, *(f"{name} is new" for name in new if name not in old), *_gone(old, new)]


def _gone(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [f"{name} is gone" for name in old if name not in new]


def _option_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before != after and name != "transforms":
            lines.append(f"{name} {_short(before)} -> {_short(after)}")
    return lines


def _version_changes(old: Mapping[str, Any], new: Mapping[str, str]) -> list[str]:
    lines = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if before is None:
            lines.append(f"{name} {after} is new")
        elif after is None:
            lines.append(f"{name} {before} is gone")
        else:
            lines.append(f"{name} {before} -> {after}")
    return lines
