"""Whatever the cells do with their variables, the pipeline made of them gives the same values."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import nbformat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernels import notebook

import tane
from tane.notebook import converting, writing

NAMES = ("a", "b", "c", "d")
name = st.sampled_from(NAMES)
number = st.integers(0, 9)


@st.composite
def statement(draw):
    one, other, n = draw(name), draw(name), draw(number)
    return draw(
        st.sampled_from(
            [
                f"{one} = [{n}]",
                f"{one} = {other} + [{n}]",
                f"{one}.append({n})",
                f"{one} += [{n}]",
                f"{one}[:1] = [{n}, len({other})]",
                f"{one}, {other} = [{n}], list({one})",
                f"if len({one}) > {n % 4}:\n    {one} = {other} + [1]",
                f"for x in [1, {n}]:\n    {one} = {one} + [x]",
                f"{one} = [x + {n} for x in {other}]",
                f"def twice(v):\n    return v + v\n{one} = twice({other})",
                f"grow({one}, {n})",
                f"{one} = sorted({other}, key=lambda v: -v)",
                f"try:\n    {one} = {other}[{n}:]\nexcept IndexError:\n    {one} = []",
                f"{one} = list({other}); {one}.reverse()",
                f"print({one})",
                f"{one}",
                f"with context() as {one}:\n    {one} = {other} + {one}",
                f"while len({one}) < {n % 5}:\n    {one} = {one} + [{n}]",
                f"{one} = (lambda: {other} + [{n}])()",
                f"{one} = [(y := x) for x in {other}] + [{n}]",
            ]
        )
    )


HEAD = (
    "from contextlib import contextmanager\n"
    "@contextmanager\ndef context():\n    yield [0]\n"
    "def grow(items, n):\n    items.append(n)"
)
START = "a, b, c, d = [1], [2], [3], [4]"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(statement(), min_size=1, max_size=4), min_size=1, max_size=5))
def test_the_pipeline_gives_what_the_notebook_gives(cells):
    texts = ["\n".join(lines) for lines in cells]
    ended: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec("\n".join([HEAD, START, *texts]), ended)
    made = notebook((HEAD, "helpers"), (START, "node"), *((text, "node") for text in texts), "a, b, c, d")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "drawn.ipynb")
        nbformat.write(made, file)
        converted = converting.convert(file)
    module: dict = {"__name__": "made"}
    exec(compile(writing.flow(converted), "made.py", "exec"), module)
    with contextlib.redirect_stdout(io.StringIO()):
        run = tane.run(module["pipeline"])
    last = {each.variable: each.dataset for node in converted.nodes for each in node.makes}
    assert {each: run[last[each]] for each in NAMES} == {each: ended[each] for each in NAMES}
