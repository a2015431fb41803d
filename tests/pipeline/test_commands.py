"""Commands as nodes: placeholders, quoting, syntax, names."""

from __future__ import annotations

import pickle
import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tane import errors
from tane.pipeline import graph, nodes, shells
from tane.pipeline.commands import Hole, command


def holes(node):
    return [piece for piece in node.func.pieces if isinstance(piece, Hole)]


def fault_of(*arguments, **options):
    with pytest.raises(errors.PipelineError) as caught:
        command(*arguments, **options)
    return str(caught.value)


def test_a_command_is_a_node_that_takes_and_makes_what_it_names():
    made = command("Rscript fit.R {train} {model} --alpha {params:alpha}", ["train", "params:alpha"], "model")
    assert isinstance(made, nodes.Node)
    assert (made.inputs, made.outputs, made.returns) == (("train", "params:alpha"), ("model",), "one")
    assert made.name == "Rscript fit.R"
    assert made.func.script == (
        'Rscript fit.R "${TANE_INPUT_TRAIN}" "${TANE_OUTPUT_MODEL}" --alpha "${TANE_PARAM_ALPHA}"'
    )
    assert made.func.printed == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("date", "date"),
        ("echo a", "echo a"),
        ("/usr/bin/env python src/fit.py --fast", "env python src/fit.py"),
        ("awk -F, '{{ print $1 }}' {table}", "awk"),
        ("sort {table} | uniq", "sort"),
        ("if true; then date; fi", "if"),
        ("'my program' x", "command"),
    ],
)
def test_a_command_is_called_by_its_program(text, name):
    assert command(text, "table").name == name


def test_options_are_those_of_a_node():
    made = command("date", name="today", tags=["t"], after="echo a", retries=2, timeout="10m", cache=False)
    assert (made.name, made.tags, made.after, made.cache) == ("today", {"t"}, ("echo a",), False)
    assert made.demands.timeout == 600


def test_tasks_can_follow_each_other_without_data():
    first = command("date")
    others = [command(f"echo {word}", after=first) for word in "ab"]
    pipeline = graph.Pipeline([*others, first])
    assert [node.name for node in pipeline.nodes] == ["date", "echo a", "echo b"]


def test_a_parameter_may_be_named_with_its_prefix_or_without():
    made = command("fit {params:model.lr} {model.lr} {seed}", ["params:model.lr", "params:seed"])
    assert [hole.label for hole in holes(made)] == ["params:model.lr", "params:model.lr", "params:seed"]


def test_doubled_braces_are_braces():
    made = command("awk '{{ print $1 }}' {table} > ${{HOME}}/x{{{{", "table", shell="sh")
    assert made.func.script == "awk '{ print $1 }' \"${TANE_INPUT_TABLE}\" > ${HOME}/x{{"


def test_with_dicts_the_command_has_its_own_names():
    made = command("cp {from} {to}", {"from": "area_a.raw"}, {"to": "area_a.copy"})
    assert (made.positional, made.outputs) == (("area_a.raw",), ("area_a.copy",))
    assert [hole.variable for hole in holes(made)] == ["TANE_INPUT_FROM", "TANE_OUTPUT_TO"]


def test_a_renamed_node_has_the_same_command():
    made = command("cp {raw} {copy} {params:n}", ["raw", "params:n"], "copy")
    (inside,) = graph.Pipeline([made], namespace="area_a").nodes
    assert inside.inputs == ("area_a.raw", "params:area_a.n")
    assert inside.func == made.func


def test_the_output_that_is_not_named_takes_what_is_printed():
    assert command("sort {table}", "table", "sorted").func.printed == "sorted"
    assert command("tee {copy} < {table}", "table", ["copy", "shown"]).func.printed == "shown"
    assert command('fit > "$TANE_OUTPUT_MODEL"', None, "model").func.printed == ""


def test_equal_commands_are_equal_and_travel():
    one, other = (command("sort {table}", "table", "sorted", sources="lib").func for _ in range(2))
    assert one == other and hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_command_cannot_be_called():
    with pytest.raises(errors.PipelineError, match="run its pipeline"):
        command("date").func()


# --- mistakes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sort {tabel}", "did you mean {table}?"),
        ("sort {table} {params:alhpa}", "did you mean {params:alpha}?"),
        ("sort {table} {somewhere}", "add 'somewhere' to inputs= or outputs="),
        ("awk '{print $1}' {table}", "{{ print $1 }}"),
        ("echo ${HOME}", "write ${{HOME}} for a variable of the shell"),
        ("find . -exec ls {} \\;", "write {{ and }}"),
        ("echo {table", "a single {"),
        ("echo }", "a single }"),
    ],
)
def test_an_unknown_placeholder_says_what_to_write(text, says):
    message = fault_of(text, ["table", "params:alpha"])
    assert says in message and "node " in message


def test_two_outputs_cannot_both_be_what_is_printed():
    assert "outputs one, two are not named in the command" in fault_of("fit", None, ["one", "two"])


def test_names_that_the_environment_cannot_tell_apart_are_refused():
    assert "would both be TANE_INPUT_A_B" in fault_of("cat {a.b} {a_b}", ["a.b", "a_b"])


def test_one_name_for_an_input_and_an_output_is_refused():
    assert "is an input and an output" in fault_of("sort {table}", "table", "table")


def test_an_unknown_shell_is_refused():
    assert "did you mean 'bash'" in fault_of("date", shell="bsh")
    assert "it may be: sh, bash" in fault_of("date", shell="python3")


@pytest.mark.parametrize("text", ["", "  ", None, "a\0b"])
def test_what_is_no_text_is_no_command(text):
    assert "is no command" in fault_of(text)


def test_all_mistakes_are_told_at_once():
    message = fault_of("a {x} {y", None, ["one", "two"], shell="csh")
    assert all(part in message for part in ("{x}", "single {", "csh", "one, two"))


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_shell_itself_says_what_is_wrong_with_the_syntax(shell):
    message = fault_of("echo 'b", shell=shell)
    words = subprocess.run([shell, "-n", "-c", "echo 'b"], capture_output=True, text=True, check=False).stderr
    assert words.strip().removeprefix(f"{shell}: ") in message
    assert f"{shell} does not accept the command" in message


def test_syntax_is_that_of_the_shell_that_is_named():
    text = "diff <(sort {a}) <(sort {b})"
    assert command(text, ["a", "b"], "out", shell="bash").func.shell == "bash"
    if subprocess.run(["sh", "-n", "-c", "cat <(date)"], capture_output=True, check=False).returncode:
        assert "sh does not accept" in fault_of(text, ["a", "b"], "out")


def test_a_shell_that_is_not_installed_is_no_mistake_of_the_graph(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command("if true; then date; fi # mksh", shell="mksh").func.shell == "mksh"


def test_plain_commands_are_read_without_a_shell(monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    for number in range(500):
        command(f"Rscript fit.R {{train}} --seed {number} '{{{{x}}}}' | tee \"a b\" > {{model}}", "train", "model")


# --- quoting -------------------------------------------------------------------------------------------------------

EVIL = ["$(touch hit)", "`touch hit`", "'; touch hit; '", '"; touch hit; "', "\\", "a b\nc", "*", "-n", "${HOME}", "#x"]


@pytest.mark.parametrize("shell", [name for name in ("sh", "bash", "dash") if shutil.which(name)])
@pytest.mark.parametrize("value", EVIL)
@pytest.mark.parametrize(
    "text",
    [
        "printf %s {v}",
        'printf %s "{v}"',
        "printf %s ''{v}\"\"",
        'printf %s "$(printf %s {v})"',
        'printf %s "$(printf %s "{v}")"',
        'x={v}; printf %s "$x"',
        "(printf %s {v}) # don't {v}",
        "if true; then printf %s {v}; fi",
    ],
)
def test_a_value_arrives_as_it_is_and_is_never_run(shell, value, text, tmp_path):
    made = command(text, {"v": "value"}, shell=shell).func
    done = subprocess.run(
        [shell, "-e", "-c", made.script], env={"TANE_INPUT_V": value, "HOME": "/h"}, cwd=tmp_path, capture_output=True
    )
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, value, b"")
    assert not list(tmp_path.iterdir())


def test_a_value_stands_in_a_document_as_it_is(tmp_path):
    made = command("cat <<END\nv = {v}\nEND\nprintf %s {v}", {"v": "value"}).func
    done = subprocess.run(["sh", "-c", made.script], env={"TANE_INPUT_V": "a $(b)"}, capture_output=True, text=True)
    assert done.stdout == "v = a $(b)\na $(b)"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("awk '{{ print {v} }}' x", "single quotes"),
        ("echo '{v}'", "take the quotes away"),
        ("echo \\{v}", "backslash"),
        ("echo ${v}", "after a $"),
        ("echo `cat {v}`", "write $(...)"),
        ("echo $(( {v} + 1 ))", "arithmetic"),
        ('echo "$(( {v} + 1 ))"', "arithmetic"),
        ("echo ${{x:-{v}}}", "assign it first"),
        ("cat <<'END'\n{v}\nEND", "delimiter"),
    ],
)
def test_a_placeholder_where_no_shell_would_take_it_as_it_is_is_refused(text, says):
    assert says in fault_of(text, {"v": "value"})


def test_what_evaluates_its_words_takes_no_placeholder():
    assert "write [ ... ]" in fault_of("[[ {v} -eq 1 ]] && date", {"v": "value"}, shell="bash")
    assert "arithmetic" in fault_of("(( {v} > 1 )) && date", {"v": "value"}, shell="bash")
    assert "single quotes" in fault_of("echo $'\\'{v}'", {"v": "value"}, shell="bash")


def test_a_command_is_shown_as_one_would_type_it():
    made = command('cp {from} "x {from}"', {"from": "raw"}).func
    assert made.shown({"TANE_INPUT_FROM": 'a $b"'}) == """cp 'a $b"' "x a \\$b\\"\""""


# --- reading plain commands ----------------------------------------------------------------------------------------

PARTS = ["a", "x=1", "12", " ", " ", "\n", ";", "|", "||", "&&", "&", ">", ">>", "<", "2>", "2>&1", "'b c'", '"d $e"']
PARTS += [
    "\\",
    "\\\n",
    '"',
    "'",
    "$f",
    "${g}",
    "$",
    "`",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "*",
    "?",
    "~",
    "!",
    "#",
    "if",
    "fi",
]
PARTS += [
    "done",
    "case",
    "in",
    "time",
    "-n",
    "--k=v",
    "a[",
    "[[",
    "]]",
    "%",
    "^",
    "+",
    "@",
    ",",
    ":",
    "ö",
    "\t",
    "$(",
    "<<",
]


@settings(max_examples=100, deadline=None)
@example("> 12>in")
@example("<12\\\n2>@")
@example("a[ b")
@given(st.lists(st.sampled_from(PARTS), max_size=9).map("".join))
def test_what_is_read_as_plain_is_right_for_every_shell(text):
    if shells.simple(text) is None:
        return
    for shell in filter(shutil.which, ("sh", "bash", "dash", "ksh", "mksh")):
        done = subprocess.run([shell, "-n", "-c", f" {text}"], capture_output=True, check=False)
        assert done.returncode == 0, (shell, text, done.stderr)


def test_plain_commands_are_taken_apart():
    found = shells.simple("A=1 Rscript 'my fit.R' \"x $y\" a\\ b <in.csv | sort >> out.txt 2>&1 && \\\n date; ")
    assert found == (
        shells.Simple(("A=1", "Rscript", "my fit.R", "x \0", "a b"), ("in.csv",), ()),
        shells.Simple(("sort",), (), ("out.txt",)),
        shells.Simple(("date",), (), ()),
    )


@pytest.mark.parametrize("text", ["a &", "a;;b", "| a", "a |", "a >", "for x in y", "a(b)", "a `b`", "# c", "a 'b"])
def test_other_text_is_left_to_the_shell(text):
    assert shells.simple(text) is None
