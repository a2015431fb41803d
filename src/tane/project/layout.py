"""Names of the folders and files that make a project. Whoever looks for one takes its name from here."""

from __future__ import annotations

PYPROJECT = "pyproject.toml"
SECTION = "tool.tane"
SOURCE = "src"
CONF = "conf"
WORK = ".tane"  # what Tane keeps for itself: the store and the ledger
STORE = ".tane/objects"
LEDGER = ".tane/ledger.db"
FETCHED = "fetched"  # in `.tane`: configuration that lies elsewhere, as it was when it was read
LOCAL = "local"  # conf/local: this machine's own settings and secrets, never recorded
REGISTRY = "pipeline_registry"
REGISTER = "register_pipelines"
DEFAULT = "__default__"

LAYERS = (
    "01_raw",
    "02_intermediate",
    "03_primary",
    "04_feature",
    "05_model_input",
    "06_models",
    "07_model_output",
    "08_reporting",
)

CACHES = frozenset(
    {
        "__pycache__",
        "node_modules",
        ".git",
        ".tane",
        ".venv",
        ".ipynb_checkpoints",
        ".pytest_cache",
        ".mypy_cache",
    }
)


def is_cache(name: str) -> bool:
    """Whether a file or folder of this name is made by a tool and says nothing about the project."""
    return name in CACHES or name.endswith((".pyc", ".pyo", ".egg-info", ".dist-info"))
