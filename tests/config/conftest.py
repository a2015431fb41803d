from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tane.config import compose

Write = Callable[..., None]
Compose = Callable[..., compose.Config]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files of conf/: write({"base/parameters.yml": "lr: 0.1"})."""

    def make(files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / "conf" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return make


@pytest.fixture
def config(tmp_path: Path) -> Compose:
    """Compose the project in tmp_path, blind to the environment variables of the machine."""

    def make(
        *overrides: str, env: Sequence[str] = (), environ: Mapping[str, str] | None = None, **more: Any
    ) -> compose.Config:
        return compose.compose(tmp_path, env, overrides, environ or {}, **more)

    return make
