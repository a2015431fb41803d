"""What code needs to know of its own project. Numbers belong in conf/, where a run can change them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
