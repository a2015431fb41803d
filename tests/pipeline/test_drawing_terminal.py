from __future__ import annotations

import re
from itertools import combinations, pairwise

import drawing_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane.pipeline.drawing import rail, scene, terminal, wording


def graph_of(*nodes: tuple[str, str, str]) -> str:
    """The rail and names that are drawn for nodes of (name, inputs, outputs)."""
    made = [samples.Node(name, tuple(takes.split()), tuple(makes.split())) for name, takes, makes in nodes]
    text = terminal.draw(scene.build(samples.Pipeline(made)), 60)
    return "\n".join(re.split(r"(?<=\w)  ", line)[0] for line in text.splitlines()[3:])


def test_a_chain_is_one_lane():
    assert graph_of(("a", "x", "da"), ("b", "da", "db"), ("c", "db", "dc")) == "○  a\n● b\n● c".replace("● ", "●  ")


def test_one_that_feeds_many_needs_one_lane():
    drawn = graph_of(("a", "", "d"), ("b", "d", "e"), ("c", "d", "f"), ("d", "d", "g"))
    assert drawn == "○    a\n├─●  b\n├─●  c\n●    d"


def test_many_that_feed_one_share_a_lane():
    drawn = graph_of(("a", "", "da"), ("b", "", "db"), ("c", "", "dc"), ("z", "da db dc", "out"))
    assert drawn == "○    a\n│ ○  b\n├─╯\n│ ○  c\n├─╯\n●    z"


def test_a_lane_that_is_only_passed_stays_whole():
    drawn = graph_of(
        ("a", "", "a"), ("b", "a", "b"), ("c", "a", "c"), ("d", "b", "d"), ("e", "c", "e"), ("f", "b c", "f")
    )
    assert drawn == "○      a\n├─●    b\n│ ├─●  d\n● │    c\n├─│─●  e\n├─╯\n●      f"


def test_what_a_node_only_waits_for_is_told():
    text = terminal.draw(samples.cars(), 100)
    assert re.search(r"●  notify +after evaluate$", text, re.MULTILINE)


def test_a_longer_way_replaces_an_edge():
    assert rail.thin([[1, 2], [2], []], [0, 1, 2]) == [[1], [2], []]


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    count = draw(st.integers(1, 12))
    pairs = list(combinations(range(count), 2))
    links = draw(st.sets(st.sampled_from(pairs), max_size=25)) if pairs else set()
    return [sorted(target for source, target in links if source == at) for at in range(count)]


@given(graphs())
def test_the_order_is_topological(followers):
    sequence = rail.order(followers)
    place = {node: at for at, node in enumerate(sequence)}
    assert sorted(sequence) == list(range(len(followers)))
    assert all(place[source] < place[target] for source, targets in enumerate(followers) for target in targets)


@given(graphs())
def test_thinning_keeps_who_is_reached(followers):
    def reached(edges: list[list[int]], start: int) -> set[int]:
        return {start}.union(*(reached(edges, target) for target in edges[start]))

    thin = rail.thin(followers, rail.order(followers))
    assert all(reached(thin, at) == reached(followers, at) for at in range(len(followers)))


@given(graphs())
def test_each_node_has_one_row_whose_bullet_tells_whether_it_is_fed(followers):
    sequence = rail.order(followers)
    rows = rail.rows(rail.thin(followers, sequence), sequence, most=40)
    fed = {target for targets in followers for target in targets}
    nodes = [row for row in rows if row.node is not None]
    assert [row.node for row in nodes] == sequence
    assert all(row.text[row.bullet] == ("●" if row.node in fed else "○") for row in nodes)
    assert all(row.text.count("●") + row.text.count("○") == 1 for row in nodes)


@given(graphs())
def test_lanes_of_one_row_meet_those_of_the_next(followers):
    down, up = set("│╮╭┤├┬┼●○"), set("│╯╰┤├┴┼●○")
    sequence = rail.order(followers)
    rows = rail.rows(rail.thin(followers, sequence), sequence, most=40)
    for first, second in pairwise(rows):
        for at, sign in enumerate(second.text):
            above = first.text[at] if at < len(first.text) else " "
            if sign in up - {"●", "○"}:
                assert above in down
        for at, sign in enumerate(first.text):
            if sign in down - {"●", "○"}:
                assert at < len(second.text) and second.text[at] in up


@pytest.mark.parametrize("width", [40, 80, 100, 200])
@pytest.mark.parametrize("drawn", [samples.cars(), samples.layered(60), samples.chain(30)], ids=lambda d: d.title)
def test_no_line_is_wider_than_asked(drawn, width):
    assert max(wording.cells(line) for line in terminal.draw(drawn, width).splitlines()) <= width


@pytest.mark.parametrize("width", [50, 80, 200])
def test_every_name_is_there(width):
    text = terminal.draw(samples.cars(), width)
    assert all(re.search(rf"(?<![\w:.]){re.escape(item.name)}(?![\w:.])", text) for item in samples.cars().items)


def test_statuses_and_times_end_the_rows():
    lines = terminal.draw(samples.cars(), 100).splitlines()
    assert next(line for line in lines if " load " in line).endswith("↺ reused 200 ms")
    assert any(line.endswith("✗ failed 1 min 11 s") for line in lines)


def test_color_only_adds_codes():
    plain, color = (terminal.draw(samples.cars(), 90, color=flag) for flag in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[31m✗ failed" in color
    without = re.sub(r"\x1b\[[\d;]*m", "", color)
    assert [line.rstrip() for line in without.splitlines()] == plain.splitlines()


def test_ascii_draws_with_ascii_and_leaves_names():
    assert terminal.draw(samples.layered(40), 80, ascii_only=True).isascii()
    assert terminal.draw(samples.cars(), 60, ascii_only=True).isascii()
    drawn = scene.build(samples.Pipeline([samples.Node("größe│", ("α→",), ("β",))]))
    assert "größe│  α→ -> β" in terminal.draw(drawn, 80, ascii_only=True)


def test_control_characters_cannot_reach_the_terminal():
    drawn = scene.build(samples.Pipeline([samples.Node("a\x1b[2Jb", ("c\rd",), ("e\nf",))]), title="t\x07")
    text = terminal.draw(drawn, 80)
    assert not set(text) & set("\x1b\r\x07")
    assert len(text.splitlines()) == 4


def test_a_thousand_nodes_have_a_thousand_rows():
    text = terminal.draw(samples.layered(1000), 120)
    assert len(re.findall("[●○]", text)) == 1000


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.012, "12 ms"), (0.9999, "1.0 s"), (3.44, "3.4 s"), (59.97, "1 min 00 s"), (3599.6, "1 h 00 min")],
)
def test_durations_read_well(seconds, said):
    assert wording.duration(seconds) == said
