"""Values as JSON, so that what one environment loaded can be compared with what the other did."""

import datetime
import math


def told(value):
    """`value` in plain terms: what it is, and all of its content."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    if module == "pandas" and kind.__name__ == "DataFrame":
        return {
            "frame": {
                "columns": [str(name) for name in value.columns],
                "types": [_kind(str(one)) for one in value.dtypes],
                "index": [told(one) for one in value.index.tolist()],
                "rows": [[told(cell) for cell in row] for row in value.astype(object).to_numpy().tolist()],
            }
        }
    if module == "PIL":
        return {"image": [value.mode, list(value.size), value.tobytes().hex()]}
    if isinstance(value, dict):
        return {"mapping": [[told(key), told(one)] for key, one in value.items()]}
    if isinstance(value, list | tuple):
        return {kind.__name__: [told(one) for one in value]}
    if value is None or kind.__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value)):
        return "nothing"
    if isinstance(value, datetime.date):
        return {"date": value.isoformat()}
    return {"value": value if isinstance(value, bool | int | float | str) else repr(value)}


def _kind(name):
    """A column's type as every version of pandas would call it."""
    if name in ("object", "str", "string"):
        return "text"
    return name.partition("[")[0] if name.startswith("datetime") else name


def made(said):
    """The value that `told` told of."""
    if said == "nothing":
        return None
    ((kind, content),) = said.items()
    if kind == "frame":
        return _frame(content)
    if kind == "image":
        from PIL import Image

        mode, size, data = content
        return Image.frombytes(mode, tuple(size), bytes.fromhex(data))
    if kind == "mapping":
        return {made(key): made(one) for key, one in content}
    if kind == "date":
        return datetime.datetime.fromisoformat(content)
    return {"list": list, "tuple": tuple}[kind](map(made, content)) if kind != "value" else content


def _frame(said):
    import pandas

    index = [made(one) for one in said["index"]]
    columns = {}
    for at, (name, kind) in enumerate(zip(said["columns"], said["types"], strict=True)):
        column = pandas.Series([made(row[at]) for row in said["rows"]], index)
        columns[name] = column if kind in ("text", "datetime64") else column.astype(kind)
    return pandas.DataFrame(columns, index)
