"""The colours and signs of layers and statuses, the same in every drawing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

LAYERS = {
    "raw": "#64809c",
    "intermediate": "#3f83f8",
    "primary": "#0ea5b7",
    "feature": "#1fa971",
    "model_input": "#8aa81f",
    "models": "#e0a100",
    "model_output": "#ee6c3a",
    "reporting": "#b45fe0",
}
NO_LAYER = "#8a94a6"
_OTHERS = ("#db4c8f", "#7a6ff0", "#a57548", "#4b9e9e", "#c2555a", "#5f8f3e")


class Sign(NamedTuple):
    """How a status looks: its colour on a page, its ANSI code, its sign in unicode and in ASCII."""

    color: str
    ansi: str
    sign: str
    plain: str


_STATUSES = {
    "succeeded": Sign("#1f9d61", "32", "✓", "+"),
    "reused": Sign("#3b82f6", "36", "↺", "="),
    "failed": Sign("#e0433f", "31", "✗", "x"),
    "skipped": Sign("#94a0b2", "2", "–", "-"),
    "running": Sign("#d08a00", "33", "▸", ">"),
    "would run": Sign("#d08a00", "33", "▸", ">"),
}
_UNKNOWN = Sign("#7a869a", "0", "•", "*")


def status(name: str) -> Sign:
    """The look of a status; an unknown one has a neutral look."""
    return _STATUSES.get(name, _UNKNOWN)


def layer_colors(layers: Iterable[str]) -> dict[str, str]:
    """A colour for each layer, in the order of the known ones ("01_raw" is raw), then others by name."""
    ranks = {name: at for at, name in enumerate(LAYERS)}
    found = sorted(set(layers), key=lambda layer: (ranks.get(_plain(layer), len(ranks)), layer))
    strange = [layer for layer in found if _plain(layer) not in ranks]
    colors = {layer: _OTHERS[at % len(_OTHERS)] for at, layer in enumerate(strange)}
    return {layer: LAYERS.get(_plain(layer)) or colors[layer] for layer in found}


def _plain(layer: str) -> str:
    return layer.strip().lstrip("0123456789_- .").lower().replace(" ", "_").replace("-", "_")
