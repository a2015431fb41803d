"""`tane.LedgerStorage`: found here, so that who has not installed Optuna is told what to install."""

from __future__ import annotations

import importlib
from typing import Any

from tane import extras

extras.require("optuna", "tune", "LedgerStorage")
LedgerStorage: Any = importlib.import_module("tane.tuning.optuna_storage").LedgerStorage
