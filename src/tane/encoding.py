"""JSON of many small values: what the ledger and the log of a run are written in."""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder
from typing import Any


def to_json(default: Callable[[Any], Any], separators: tuple[str, str] = (", ", ": ")) -> Callable[[Any], str]:
    """A function that writes values as JSON; what JSON does not know becomes what `default` makes of it.

    The standard library's encoder prepares itself anew for each value, which takes longer than to write a small one:
    this one is prepared once.
    """
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the compiled encoder
        return json.JSONEncoder(default=default, check_circular=False, separators=separators).encode
    between, after_key = separators
    write = make(None, default, encoder.encode_basestring_ascii, None, after_key, between, False, False, True)
    join = "".join
    return lambda value: join(write(value, 0))
