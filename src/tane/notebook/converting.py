"""The cells of a notebook that are tagged as nodes, as functions and a pipeline. The notebook stays as it is.

Called by `tane notebook to-nodes`. What a cell reads before it writes it, and what others make, are its inputs; what it
makes and others use are its outputs. Everything that cannot be told is an error that names the cell.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tane import errors, fielded, patterns
from tane.notebook import cutting, definitions, flow, given, reading, texts


@fielded.mutable
class Version:
    """A value under a variable's name: made by a node, known to others as `dataset`."""

    variable: str
    saved: list[str] = fielded.field(default_factory=list)
    used: bool = False
    dataset: str = ""


@fielded.mutable
class Made:
    """A cell as a function: its arguments with what each takes, what it gives back, its lines."""

    name: str
    cell: int
    about: str
    takes: list[tuple[str, given.Given | Version]]
    lines: list[str]
    makes: list[Version]


@fielded.frozen
class Converted:
    """The parts of a module: its definitions, its nodes in order, the parameters it brings along, and notices."""

    notebook: Path
    around: tuple[definitions.Definition, ...]
    nodes: tuple[Made, ...]
    parameters: Mapping[str, Any]
    notices: tuple[str, ...]


@fielded.frozen
class _Elsewhere:
    """A variable that a cell without a tag makes."""

    cell: int


_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Source = given.Given | Version | _Elsewhere


def convert(file: Path, *, taken: Collection[str] = (), prefix: str = "") -> Converted:
    """What the notebook in `file` becomes. `taken` are names of datasets that its own values must not bear; parameters
    it brings along are known under `prefix`.

    Raises `errors.UsageError` with everything that cannot be converted.
    """
    notebook = reading.read(file)
    if not any(cell.tag == reading.NODE for cell in notebook.cells):
        raise errors.UsageError(
            "no cell is tagged 'node'",
            where=str(file),
            hint="tag the cells that shall become nodes: in Jupyter's property inspector, under Cell Tags",
        )
    converting = _Converting(notebook, taken, prefix)
    for cell in notebook.cells:
        converting.take(cell)
    return converting.finish()


class _Converting:
    """How far a notebook is converted: what each variable stands for after the cells so far."""

    def __init__(self, notebook: reading.Notebook, taken: Collection[str], prefix: str) -> None:
        self._notebook = notebook
        self._taken = set(taken)
        self._prefix = prefix
        written = [flow.Flow().run(cell.tree.body).writes for cell in notebook.cells]
        self._seen = given.Seen(frozenset(name for names in written for name in names))
        self._around = definitions.Definitions(notebook.cells, _hoisted(notebook.cells))
        self._hoisted = frozenset(self._around.by_name)
        self._holds: dict[str, _Source] = {}
        self._nodes: list[Made] = []
        self._needs: dict[str, int] = {}
        self._functions: dict[str, tuple[_Function, reading.Cell] | None] = {}  # that are nodes; None: is called
        self._parameters: dict[str, Any] = {}
        self._shown: list[set[str]] = []  # of each node, the names it shows
        self._versions: list[Version] = []
        self._later = {name: cell.number for cell, names in zip(notebook.cells, written, strict=True) for name in names}
        self.notices = list(notebook.notices)
        self.faults: list[errors.Fault] = []

    def where(self, cell: int) -> str:
        return f"{self._notebook.file.name}, cell {cell}"

    # --- cells --------------------------------------------------------------------------------------------------------

    def take(self, cell: reading.Cell) -> None:
        """Take the next cell."""
        if cell.tag == reading.NODE:
            self._take_node(cell)
        elif cell.tag == reading.PARAMETERS:
            self._take_parameters(cell)
        elif not cell.tag:
            self._take_other(cell)
        else:
            for statement in cell.tree.body:
                self.faults += self._seen.odd(statement, self.where(cell.number))

    def _take_parameters(self, cell: reading.Cell) -> None:
        for statement in cell.tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            name = definitions.constant(statement)
            if name:
                assert isinstance(statement, ast.Assign)
                key = f"{self._prefix}.{name}" if self._prefix else name
                self._parameters[name] = ast.literal_eval(statement.value)
                self._holds[name] = given.Given(given.PARAM, key)
            elif not definitions.is_shown(statement):
                what = f"line {statement.lineno} is no `name = value` with a plain value"
                self.faults.append(errors.Fault(what, self.where(cell.number), "move it to another cell"))

    def _take_other(self, cell: reading.Cell) -> None:
        """A cell that is left out: what it loads, saves, and takes from nodes still says what things are."""
        for statement in cell.tree.body:
            bound, saved = self._seen.bound(statement), self._seen.saved(statement)
            if bound is not None:
                self._holds[bound[0]] = bound[1]
            elif saved is not None and isinstance(saved.value, ast.Name):
                self._save(saved.name, saved.value.id, cell.number)
            elif isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
                continue
            elif isinstance(statement, ast.Assign) and self._calls_node(statement):
                source = ast.unparse(statement)
                self._take_node(reading.Cell(cell.number, source, ast.parse(source), reading.NODE))
            elif definitions.constant(statement) in (*self._holds, ""):
                self._leave_out(statement, cell.number)

    def _leave_out(self, statement: ast.stmt, cell: int) -> None:
        """What a statement that is left out takes from nodes, and what it makes of their variables."""
        found = flow.Flow(self._around.changers).run([statement])
        for name in found.reads:
            held = self._holds.get(name)
            if isinstance(held, Version):
                held.used = True
        for name in found.touched:
            if isinstance(self._holds.get(name), Version):
                self.notices.append(f"{self.where(cell)} is left out: see that it does not change {name!r}")
        self._holds.update(dict.fromkeys((*found.writes, *found.changes), _Elsewhere(cell)))

    def _calls_node(self, statement: ast.Assign) -> bool:
        """Whether a statement keeps what a function gives that is a node."""
        called = statement.value.func if isinstance(statement.value, ast.Call) else None
        if not isinstance(called, ast.Name) or called.id not in self._functions:
            return False
        self._functions[called.id] = None
        return True

    def _save(self, dataset: str, variable: str, cell: int) -> None:
        """A cell without lines of its own for it saves a variable as a dataset."""
        held = self._holds.get(variable)
        if isinstance(held, Version):
            held.saved.append(dataset)
        else:
            what = f"{variable!r}, which it saves as {dataset!r}, is made by no node"
            self.faults.append(errors.Fault(what, self.where(cell), "tag the cell that makes it as 'node'"))

    # --- nodes --------------------------------------------------------------------------------------------------------

    def _take_node(self, cell: reading.Cell) -> None:
        taking = cutting.Taking(cell, self._seen, self._hoisted, self._holds)
        body = taking.body()
        self.faults += [fault for each in body for fault in self._seen.odd(each.tree, self.where(cell.number))]
        if any(flow.awaits(each.tree) for each in body):
            hint = "put it into an async function, and call asyncio.run() on that"
            self.faults.append(errors.Fault("it awaits, which only a notebook can", self.where(cell.number), hint))
        self.notices += [f"{self.where(cell.number)}: left out {line!r}, which only shows" for line in taking.shown]
        for name, bound in taking.bound.items():
            self._holds[name] = bound
        for dataset, variable in taking.saved_before:
            self._save(dataset, variable, cell.number)
        if not body:
            if not taking.bound and not taking.saved_before:
                self._bare(cell)
            return
        found = flow.Flow(self._around.changers).run(each.tree for each in body)
        takes: list[tuple[str, given.Given | Version]] = [*taking.arguments.items()]
        takes += self._inputs(cell, found, set(taking.arguments))
        takes.sort(key=lambda each: isinstance(each[1], given.Given) and each[1].kind == given.PARAM)
        named = {name for name, _ in takes}
        changed = [name for name in (*found.changes, *found.touched) if name in named and name not in found.writes]
        versions = {name: Version(name) for name in (*found.writes, *changed)}
        for dataset, variable in taking.saved:
            versions[variable].saved.append(dataset)
        self._holds.update(versions)
        self._versions += versions.values()
        lines = [each.text for each in body]
        self._nodes.append(Made(cell.name, cell.number, cell.heading, takes, lines, list(versions.values())))
        self._shown.append(taking.looked_at | _printed(each.tree for each in body))
        self._warn(cell, body)

    def _inputs(
        self, cell: reading.Cell, found: flow.Flow, arguments: set[str]
    ) -> list[tuple[str, given.Given | Version]]:
        takes: list[tuple[str, given.Given | Version]] = []
        for name, line in found.reads.items():
            if name in arguments:
                continue
            held = self._holds.get(name)
            if isinstance(held, _Elsewhere):
                self.faults.append(
                    errors.Fault(
                        f"line {line} reads {name!r}, which cell {held.cell} makes, and that has no tag",
                        self.where(cell.number),
                        f"tag cell {held.cell} as 'node' (or 'helpers', or 'parameters')",
                    )
                )
            elif held is not None:
                if isinstance(held, Version):
                    held.used = True
                takes.append((name, held))
            elif name in self._around.by_name or name in definitions.BUILTINS or self._around.has_star:
                self._needs.setdefault(name, cell.number)
            elif name not in found.writes:
                self.faults.append(self._unknown(name, line, cell.number))
        return takes

    def _unknown(self, name: str, line: int, cell: int) -> errors.Fault:
        later = self._later.get(name)
        what = f"line {line} reads {name!r}, which no cell above makes"
        if name in definitions.IPYTHON:
            hint = "only a notebook has it: take the line out"
        elif name in given.NAMES:
            hint = "a node is given its inputs: load them in the cell"
        elif later is not None and later > cell:
            hint = f"cell {later} does: move it up"
        else:
            known = (*self._holds, *self._around.by_name)
            hint = errors.did_you_mean(name, known, "make or import it in a cell above")
        return errors.Fault(what, self.where(cell), hint)

    def _bare(self, cell: reading.Cell) -> None:
        """A cell of functions alone: each that no other tagged cell uses is a node, joined as other cells call it."""
        functions = [each for each in cell.tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
        others = [each for each in self._notebook.cells if each.tag == reading.NODE and each is not cell]
        for function in functions:
            if any(flow.is_read_within({function.name}, each.tree.body) for each in others):
                continue
            if any(flow.is_read_within({function.name}, [each]) for each in functions if each is not function):
                continue
            self._needs.setdefault(function.name, cell.number)
            self._functions[function.name] = function, cell

    def _as_it_stands(self, function: _Function, cell: reading.Cell) -> None:
        takes: list[tuple[str, given.Given | Version]] = []
        every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        defaulted = len(function.args.defaults)
        for at, argument in enumerate(every):
            held = self._holds.get(argument.arg)
            if isinstance(held, given.Given | Version):
                if isinstance(held, Version):
                    held.used = True
                takes.append((argument.arg, held))
            elif at < len(every) - defaulted:
                takes.append((argument.arg, given.Given(given.DATA, argument.arg)))
        called = ", ".join(f"{name}={name}" for name, _ in takes)
        made = Version(function.name, used=True)
        self._versions.append(made)
        lines = [f"return {function.name}({called})"]
        self._nodes.append(Made(f"make_{function.name}", cell.number, cell.heading, takes, lines, [made]))
        self._shown.append(set())
        self.notices.append(f"{self.where(cell.number)}: nobody calls {function.name}: it makes {function.name!r}")

    def _warn(self, cell: reading.Cell, body: Sequence[cutting.Line]) -> None:
        """Say what a process of its own may see in another way than a notebook does."""
        for part in (part for each in body for part in ast.walk(each.tree)):
            if not isinstance(part, ast.Call):
                continue
            called = ast.unparse(part.func)
            if called.rpartition(".")[2] in ("seed", "manual_seed", "set_seed") and "." in called:
                self.notices.append(
                    f"{self.where(cell.number)}: {called}() reaches this node only: give each that draws a seed its own"
                )
            paths = [a.value for a in part.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if paths and _READS.match(called) and "://" not in paths[0]:
                self.notices.append(
                    f"{self.where(cell.number)}: {called}({paths[0]!r}) reads from wherever it is run: "
                    'name the file in the catalog, and catalog.load("its_name")'
                )

    # --- the whole ----------------------------------------------------------------------------------------------------

    def finish(self) -> Converted:
        """All of it. Raises `errors.UsageError` with what cannot be converted."""
        for uncalled in self._functions.values():
            if uncalled is not None:
                self._as_it_stands(*uncalled)
        for made, shown in zip(self._nodes, self._shown, strict=True):
            made.makes = _outputs(made, shown)
        self._name_versions()
        self._name_nodes()
        around, lacking = self._around.needed(self._needs)
        self.faults += self._around.faults(around)
        for name, cell in lacking.items():
            if name in self._holds:
                what = f"a function or class there uses {name!r}, which is a variable of the notebook"
                self.faults.append(errors.Fault(what, self.where(cell), "give it to the function as an argument"))
            elif not self._around.has_star:
                self.faults.append(self._unknown(name, 0, cell))
        if self.faults:
            file = self._notebook.file.name
            raise errors.UsageError.of(self.faults, f"{file} cannot be converted: {len(self.faults)} mistakes")
        idle = [made for made in self._nodes if not made.makes]
        self.notices += [f"{self.where(made.cell)}: {made.name} makes nothing that others use" for made in idle]
        return Converted(
            self._notebook.file, tuple(around), tuple(self._nodes), dict(self._parameters), tuple(self.notices)
        )

    def _name_versions(self) -> None:
        """Give each value a dataset's name: that it is saved as, else its variable's, which the last one has alone."""
        kept = [version for made in self._nodes for version in made.makes]
        loaded = {
            held.dataset for made in self._nodes for _, held in made.takes if isinstance(held, given.Given)
        }  # what the notebook loads it must not make under that name
        taken = self._taken | loaded
        for version in kept:
            for name in version.saved:
                if name in loaded:
                    what = f"dataset {name!r} is loaded and saved in one notebook"
                    hint = "save it under another name: what is loaded is not made"
                    self.faults.append(errors.Fault(what, self._notebook.file.name, hint))
            if version.saved:
                version.dataset = version.saved[0]
                taken.update(version.saved)
        for variable in dict.fromkeys(version.variable for version in kept):
            same = [version for version in kept if version.variable == variable and not version.saved]
            for at, version in enumerate(same, 1):
                name = variable if at == len(same) and variable not in taken else f"{variable}_{at}"
                while name in taken:
                    name += "_"
                version.dataset = name
                taken.add(name)

    def _name_nodes(self) -> None:
        """Give each function a name that neither another nor a definition has."""
        names = set(self._around.by_name) | {"Pipeline", "node", "pipeline", "create_pipeline"}
        for made in self._nodes:
            what = "_".join(version.variable for version in made.makes[:3])
            wished = texts.identifier(made.name) or texts.identifier(made.about)
            wished = wished or (f"make_{what}" if what else f"cell_{made.cell}")
            name, count = wished, 1
            while name in names:
                count += 1
                name = f"{wished}_{count}"
            made.name = name
            names.add(name)


_READS = patterns.lazily(r"(?:open|Path|.*\.(?:read_\w+|load|loadtxt|genfromtxt|imread))\Z")


def _outputs(made: Made, shown: set[str]) -> list[Version]:
    """What a function gives back: what is used or saved elsewhere, or shown; without any of it, its results."""
    chosen = [version for version in made.makes if version.used or version.saved or version.variable in shown]
    if chosen:
        return chosen
    own = [version for version in made.makes if not version.variable.startswith("_")]
    read = {
        part.id
        for line in made.lines
        for part in ast.walk(ast.parse(line))
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    }
    return [version for version in own if version.variable not in read] or own


def _printed(body: Iterable[ast.stmt]) -> set[str]:
    """The names that statements print."""
    calls = [each.value for each in body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call)]
    return {
        part.id
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "print"
        for part in ast.walk(call)
        if isinstance(part, ast.Name)
    }


def _hoisted(cells: Sequence[reading.Cell]) -> dict[int, frozenset[str]]:
    """The functions and classes of node cells that need no variable, and so can stand by themselves, by cell."""
    made: dict[str, tuple[int, set[str]]] = {}
    variables: set[str] = set()
    for cell in cells:
        for statement in cell.tree.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if cell.tag == reading.NODE:
                    made[statement.name] = cell.number, set(flow.Flow().run([statement]).reads)
            elif cell.tag not in (reading.HELPERS, reading.IMPORTS) and not (
                isinstance(statement, ast.Import | ast.ImportFrom) or (not cell.tag and definitions.constant(statement))
            ):
                variables.update(flow.Flow().run([statement]).writes)
    fixed = set(variables)
    while held := {name for name, (_, needs) in made.items() if needs & fixed} - fixed:
        fixed |= held
    free = {name: number for name, (number, _) in made.items() if name not in fixed}
    return {cell.number: frozenset(name for name in free if free[name] == cell.number) for cell in cells}
