"""Loading and saving one dataset by itself, without a run. Called by the fixtures and the suites."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tane.catalog import datasets


def load(dataset: datasets.Dataset, scratch: Path) -> Any:
    """The value of `dataset` where it lies; what is behind a URL is downloaded to the folder `scratch`."""
    if dataset.kind == "object":
        return dataset.load()
    if dataset.local is not None:
        return dataset.read(dataset.local)
    path = _fresh(scratch) / dataset.filename
    dataset.fetch(path)
    return dataset.read(path)


def save(dataset: datasets.Dataset, value: Any, scratch: Path) -> None:
    """Put `value` where `dataset` lies, in the place of what was there; it is written in `scratch` first."""
    if dataset.kind == "object":
        dataset.save(value)
        return
    path = _fresh(scratch) / dataset.filename
    dataset.write(value, path)
    if dataset.local is None:
        dataset.send(path)
        return
    dataset.local.parent.mkdir(parents=True, exist_ok=True)
    if dataset.local.is_dir():
        shutil.rmtree(dataset.local)
    os.replace(path, dataset.local)


def _fresh(scratch: Path) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=scratch))
