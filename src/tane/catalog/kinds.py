"""Our own dataset types: Kedro's names, short aliases, the package each needs and its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tane.catalog.formats import contract, documents, figures, objects, tables

MEMORY = "MemoryDataset"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type: its name, the module it needs with the extra that installs it, the keys only it takes."""

    name: str
    make: Callable[[contract.Options], contract.Format]
    module: str = ""
    extra: str = ""
    keys: frozenset[str] = frozenset()


def _joblib(options: contract.Options) -> contract.Format:
    more = {**options.more, "backend": "joblib"}
    return objects.Pickle(
        contract.Options(options.suffix, options.compression, options.load_args, options.save_args, more)
    )


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("pandas.CSVDataset", tables.PandasCSV, "pandas", "pandas"),
        Kind("pandas.ParquetDataset", tables.PandasParquet, "pandas", "pandas"),
        Kind("pandas.JSONDataset", tables.PandasJSON, "pandas", "pandas"),
        Kind("polars.CSVDataset", tables.PolarsCSV, "polars", "polars"),
        Kind("polars.ParquetDataset", tables.PolarsParquet, "polars", "polars"),
        Kind("json.JSONDataset", documents.JSON),
        Kind("yaml.YAMLDataset", documents.YAML),
        Kind("text.TextDataset", documents.Text),
        Kind("pickle.PickleDataset", objects.Pickle, keys=frozenset({"backend", "compression"})),
        Kind("joblib.JoblibDataset", _joblib, "joblib", "joblib", frozenset({"compression"})),
        Kind("numpy.NumpyDataset", objects.NumPy, "numpy", "numpy"),
        Kind("matplotlib.MatplotlibDataset", figures.Matplotlib, "matplotlib", "matplotlib"),
        Kind("plotly.PlotlyDataset", figures.Plotly, "plotly", "plotly"),
    )
}

ALIASES: dict[str, str] = {
    "csv": "pandas.CSVDataset",
    "parquet": "pandas.ParquetDataset",
    "pandas.csv": "pandas.CSVDataset",
    "pandas.parquet": "pandas.ParquetDataset",
    "pandas.json": "pandas.JSONDataset",
    "polars.csv": "polars.CSVDataset",
    "polars.parquet": "polars.ParquetDataset",
    "json": "json.JSONDataset",
    "yaml": "yaml.YAMLDataset",
    "text": "text.TextDataset",
    "pickle": "pickle.PickleDataset",
    "joblib": "joblib.JoblibDataset",
    "numpy": "numpy.NumpyDataset",
    "matplotlib": "matplotlib.MatplotlibDataset",
    "matplotlib.MatplotlibWriter": "matplotlib.MatplotlibDataset",
    "plotly": "plotly.PlotlyDataset",
    "plotly.JSONDataset": "plotly.PlotlyDataset",
    "plotly.HTMLDataset": "plotly.PlotlyDataset",
    "memory": MEMORY,
    "io.MemoryDataset": MEMORY,
    "kedro.io.MemoryDataset": MEMORY,
}

FAMILIES = frozenset(name.partition(".")[0] for name in KINDS)


def canonical(name: str) -> str:
    """The name behind an alias or Kedro's older spelling ("pandas.CSVDataSet"); others as they are."""
    if name.endswith("DataSet"):
        name = name.removesuffix("DataSet") + "Dataset"
    return ALIASES.get(name, name)


def names() -> list[str]:
    """All names that may stand behind `type:`."""
    return [*KINDS, MEMORY, *ALIASES]
