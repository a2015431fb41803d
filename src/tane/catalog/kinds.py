"""Our own dataset types: Kedro's names, short aliases, the package each needs and its format."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from tane import fielded
from tane.catalog.formats import contract

MEMORY = "MemoryDataset"
FOLDERS = ("partitions.PartitionedDataset", "partitions.IncrementalDataset")


@fielded.frozen
class Kind:
    """A type: its name, the module it needs with the extra that installs it, the keys only it takes."""

    name: str
    make: Callable[[contract.Options], contract.Format]
    module: str = ""
    extra: str = ""
    keys: frozenset[str] = frozenset()


@fielded.frozen
class ObjectKind:
    """A type that is a class of ours with `load()` and `save(data)`: a table of a database, a service.

    `make` ("module:Class") is imported when used. The class is instantiated with the entry's `load_args`,
    `save_args`, `credentials` (a plain dict, revealed) and its own `keys`, those that the entry gives, and with
    `root`, the project's folder, if its `__init__` takes it. It raises `contract.Problem` and `EntryProblem`.
    """

    name: str
    make: str
    module: str = ""
    extra: str = ""
    keys: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    write_only: bool = False
    read_only: bool = False


def _format(path: str) -> Callable[[contract.Options], contract.Format]:
    """What makes the format "module:Class" of the room `formats`, which is imported when it is first used."""
    module, _, name = path.partition(":")

    def make(options: contract.Options) -> contract.Format:
        made: contract.Format = getattr(importlib.import_module(f"tane.catalog.formats.{module}"), name)(options)
        return made

    return make


_FILE_FORMAT = frozenset({"file_format"})

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("pandas.CSVDataset", _format("tables:PandasCSV"), "pandas", "pandas"),
        Kind("pandas.ParquetDataset", _format("columns:PandasParquet"), "pandas", "pandas"),
        Kind("pandas.FeatherDataset", _format("columns:PandasFeather"), "pandas", "pandas"),
        Kind("pandas.JSONDataset", _format("tables:PandasJSON"), "pandas", "pandas"),
        Kind("pandas.XMLDataset", _format("tables:PandasXML"), "pandas", "pandas"),
        Kind("pandas.ExcelDataset", _format("sheets:Excel"), "openpyxl", "excel"),
        Kind("polars.CSVDataset", _format("polar:PolarsCSV"), "polars", "polars"),
        Kind("polars.ParquetDataset", _format("polar:PolarsParquet"), "polars", "polars"),
        Kind("polars.JSONDataset", _format("polar:PolarsJSON"), "polars", "polars"),
        Kind("polars.EagerPolarsDataset", _format("polar:PolarsEager"), "polars", "polars", _FILE_FORMAT),
        Kind("polars.LazyPolarsDataset", _format("polar:PolarsLazy"), "polars", "polars", _FILE_FORMAT),
        Kind("arrow.CSVDataset", _format("columns:ArrowCSV"), "pyarrow", "arrow"),
        Kind("arrow.ParquetDataset", _format("columns:ArrowParquet"), "pyarrow", "arrow"),
        Kind("arrow.FeatherDataset", _format("columns:ArrowFeather"), "pyarrow", "arrow"),
        Kind("json.JSONDataset", _format("documents:JSON")),
        Kind("json.JSONLinesDataset", _format("documents:JSONLines")),
        Kind("yaml.YAMLDataset", _format("documents:YAML")),
        Kind("text.TextDataset", _format("documents:Text")),
        Kind("pickle.PickleDataset", _format("objects:Pickle"), keys=frozenset({"backend", "compression"})),
        Kind("joblib.JoblibDataset", _format("objects:Joblib"), "joblib", "joblib", frozenset({"compression"})),
        Kind("numpy.NumpyDataset", _format("objects:NumPy"), "numpy", "numpy"),
        Kind("matplotlib.MatplotlibDataset", _format("figures:Matplotlib"), "matplotlib", "matplotlib"),
        Kind("plotly.PlotlyDataset", _format("figures:Plotly"), "plotly", "plotly"),
        Kind("pillow.ImageDataset", _format("images:Pillow"), "PIL", "pillow"),
        Kind("archive.ZipDataset", _format("archives:Zip")),
        Kind("archive.TarDataset", _format("archives:Tar")),
    )
}

OBJECTS: dict[str, ObjectKind] = {
    kind.name: kind
    for kind in (
        ObjectKind(
            "pandas.SQLTableDataset",
            "tane.catalog.sql.tables:SQLTable",
            "sqlalchemy",
            "sql",
            frozenset({"table_name", "digest_query"}),
            frozenset({"table_name"}),
        ),
        ObjectKind(
            "pandas.SQLQueryDataset",
            "tane.catalog.sql.queries:SQLQuery",
            "sqlalchemy",
            "sql",
            frozenset({"sql", "filepath", "execution_options", "digest_query"}),
            read_only=True,
        ),
        ObjectKind(
            "api.APIDataset",
            "tane.catalog.web.api:APIDataset",
            "requests",
            "api",
            frozenset({"url", "method"}),
            frozenset({"url"}),
        ),
    )
}

ALIASES: dict[str, str] = {
    "csv": "pandas.CSVDataset",
    "parquet": "pandas.ParquetDataset",
    "pandas.csv": "pandas.CSVDataset",
    "pandas.parquet": "pandas.ParquetDataset",
    "pandas.json": "pandas.JSONDataset",
    "pandas.feather": "pandas.FeatherDataset",
    "pandas.xml": "pandas.XMLDataset",
    "excel": "pandas.ExcelDataset",
    "pandas.excel": "pandas.ExcelDataset",
    "sql.table": "pandas.SQLTableDataset",
    "sql.query": "pandas.SQLQueryDataset",
    "polars.csv": "polars.CSVDataset",
    "polars.parquet": "polars.ParquetDataset",
    "polars.json": "polars.JSONDataset",
    "polars.lazy": "polars.LazyPolarsDataset",
    "arrow.csv": "arrow.CSVDataset",
    "arrow.parquet": "arrow.ParquetDataset",
    "arrow.feather": "arrow.FeatherDataset",
    "json": "json.JSONDataset",
    "jsonl": "json.JSONLinesDataset",
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
    "image": "pillow.ImageDataset",
    "zip": "archive.ZipDataset",
    "tar": "archive.TarDataset",
    "api": "api.APIDataset",
    **{f"{home}{name.rpartition('.')[2]}": name for home in ("", "io.", "kedro.io.") for name in FOLDERS},
    "partitioned": FOLDERS[0],
    "incremental": FOLDERS[1],
    "memory": MEMORY,
    "io.MemoryDataset": MEMORY,
    "kedro.io.MemoryDataset": MEMORY,
}

FAMILIES = frozenset(name.partition(".")[0] for name in (*KINDS, *OBJECTS, *FOLDERS))


def canonical(name: str) -> str:
    """The name behind an alias or Kedro's older spelling ("pandas.CSVDataSet"); others as they are."""
    if name.endswith("DataSet"):
        name = name.removesuffix("DataSet") + "Dataset"
    return ALIASES.get(name, name)


def names() -> list[str]:
    """All names that may stand behind `type:`."""
    return [*KINDS, *OBJECTS, *FOLDERS, MEMORY, *ALIASES]
