"""Tane's side of the comparison with Hydra's compositions."""

import math
import tempfile
from pathlib import Path

from tane.config import compose as composing


def compose(texts, overrides, config="config.yaml"):
    """The parameters that files (path -> text) and overrides make."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        root = Path(folder)
        made = composing.compose(root, (), overrides, {}, conf=root, primary=root / config)
        return told(made.parameters)


def told(value):
    """A value in the words of `hydra_side.told`."""
    if isinstance(value, dict):
        return {"mapping": [[told(key), told(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [told(item) for item in value]}
    if isinstance(value, float):
        return {"float": "nan" if math.isnan(value) else repr(value)}
    return value
