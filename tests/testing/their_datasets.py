"""Dataset classes as users and packages write them."""

import time
from pathlib import Path


class Lines:
    """A file of lines as a list of texts."""

    def __init__(self, filepath):
        self.path = Path(filepath)

    def load(self):
        return self.path.read_text(encoding="utf-8").splitlines()

    def save(self, data):
        if not isinstance(data, list):
            raise TypeError(f"lines are a list, not a {type(data).__name__}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join(f"{line}\n" for line in data), encoding="utf-8")

    def exists(self):
        return self.path.exists()

    def digest(self):
        return self.path.read_text(encoding="utf-8") if self.path.exists() else None


class Careless:
    """It does nearly everything wrong that goes unseen for long."""

    def __init__(self, filepath, **options):
        self.path = Path(filepath)

    def load(self):
        return self.path.read_text().split("|")[1].split()

    def save(self, data):
        if self.path.exists():
            return
        self.path.write_text(f"{time.time()}|{' '.join(map(str, data if isinstance(data, list) else []))}")
        if isinstance(data, list) and "again" not in data:
            data.append("again")

    def exists(self):
        return self.path.exists()

    def digest(self):
        return "the same"
