from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import resources
from itertools import combinations, pairwise

import drawing_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane.pipeline import graph, nodes
from tane.pipeline.drawing import folding, layout, ordering, page, picture, placing, ranking, scene


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    count = draw(st.integers(1, 14))
    pairs = list(combinations(range(count), 2))
    links = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []
    return count, links


def arranged(count: int, links: list[tuple[int, int]]) -> layout.Layout:
    sizes = [(60.0 + 13 * (at % 5), 24.0 + 11 * (at % 3)) for at in range(count)]
    return layout.arrange(sizes, links, [False] * len(links))


@given(graphs())
def test_every_edge_leads_to_a_lower_row(drawn_of):
    count, links = drawn_of
    rows = ranking.rank(count, links)
    assert all(rows[source] < rows[target] for source, target in links)
    assert set(rows) == set(range(max(rows) + 1))


@given(graphs())
def test_routes_pass_neighbouring_rows_from_source_to_target(drawn_of):
    count, links = drawn_of
    mesh = ranking.mesh(count, links, [False] * len(links))
    for (source, target), route in zip(links, mesh.routes, strict=True):
        assert (route[0], route[-1]) == (source, target)
        assert all(mesh.row[b] == mesh.row[a] + 1 for a, b in pairwise(route))
        assert all(b in mesh.below[a] and a in mesh.above[b] for a, b in pairwise(route))


@given(graphs())
def test_ordering_keeps_every_vertex_once_in_its_row(drawn_of):
    count, links = drawn_of
    mesh = ranking.mesh(count, links, [False] * len(links))
    ordering.arrange(mesh)
    assert sorted(v for row in mesh.rows for v in row) == list(range(len(mesh.row)))
    assert all(mesh.row[v] == at for at, row in enumerate(mesh.rows) for v in row)


@given(graphs())
def test_boxes_of_a_row_keep_their_order_and_do_not_touch(drawn_of):
    count, links = drawn_of
    mesh = ranking.mesh(count, links, [False] * len(links))
    ordering.arrange(mesh)
    x = placing.place(mesh, [80.0] * count)
    for row in mesh.rows:
        for left, right in pairwise(row):
            need = 40.0 * (left < count) + 40.0 * (right < count)
            assert x[right] - x[left] > need


@given(graphs())
def test_boxes_do_not_overlap_and_lie_within(drawn_of):
    count, links = drawn_of
    drawn = arranged(count, links)
    boxes = [(x, y, 60.0 + 13 * (at % 5), 24.0 + 11 * (at % 3)) for at, (x, y) in enumerate(drawn.centers)]
    for x, y, w, h in boxes:
        assert x - w / 2 > -2 and y - h / 2 > -2
        assert x + w / 2 < drawn.width + 2 and y + h / 2 < drawn.height + 2
    for a, b in combinations(boxes, 2):
        assert abs(a[0] - b[0]) >= (a[2] + b[2]) / 2 or abs(a[1] - b[1]) >= (a[3] + b[3]) / 2


def stretches(path: str) -> list[tuple[str, float, float, float, float]]:
    """The pieces of a path: V or C, from x and y to x and y."""
    x, y, pieces = 0.0, 0.0, []
    for sign, numbers in re.findall(r"([MVC])([-\d ]+)", path):
        values = [float(number) for number in numbers.split()]
        end = (x, values[0]) if sign == "V" else (values[-2], values[-1])
        if sign != "M":
            pieces.append((sign, x, y, *end))
        x, y = end
    return pieces


@given(graphs())
def test_edges_run_downwards_from_below_their_source_to_above_their_target(drawn_of):
    count, links = drawn_of
    drawn = arranged(count, links)
    for (source, target), path in zip(links, drawn.paths, strict=True):
        pieces = stretches(path)
        assert all(y1 < y2 for _, _, y1, _, y2 in pieces)
        assert (pieces[0][1], pieces[-1][3]) == (drawn.centers[source][0], drawn.centers[target][0])
        assert drawn.centers[source][1] < pieces[0][2] < pieces[-1][4] < drawn.centers[target][1]


@given(graphs())
def test_no_edge_crosses_a_box(drawn_of):
    count, links = drawn_of
    drawn = arranged(count, links)
    for path in drawn.paths:
        for _, x1, y1, x2, y2 in stretches(path):
            for at, (x, y) in enumerate(drawn.centers):
                w, h = 60.0 + 13 * (at % 5), 24.0 + 11 * (at % 3)
                beside = min(x1, x2) > x + w / 2 - 1 or max(x1, x2) < x - w / 2 + 1
                assert beside or y1 > y + h / 2 - 2 or y2 < y - h / 2 + 2


def test_a_planar_ladder_is_drawn_without_crossings():
    links = [(0, 3), (0, 4), (1, 4), (1, 5), (2, 5), (3, 6), (4, 7), (5, 8)]
    mesh = ranking.mesh(9, links, [False] * len(links))
    ordering.arrange(mesh)
    assert ordering.crossings(mesh) == 0


def test_edges_of_one_source_share_a_trunk():
    links = [(at, at + 1) for at in range(9)] + [(0, at) for at in range(2, 10)]
    mesh = ranking.mesh(10, links, [False] * len(links))
    assert len(mesh.row) == 10 + 8


def test_a_thousand_long_trunks_do_not_need_a_million_bends():
    drawn = samples.chain(1000)
    links = [(edge.source, edge.target) for edge in drawn.edges]
    mesh = ranking.mesh(len(drawn.items), links, [edge.order for edge in drawn.edges])
    assert len(mesh.row) < 12 * len(drawn.items)
    assert len(mesh.routes) == len(links)


def test_what_needs_nothing_stands_just_above_its_first_use():
    rows = ranking.rank(5, [(0, 1), (1, 2), (2, 3), (4, 3)])
    assert rows == [0, 1, 2, 3, 2]


def test_parts_that_do_not_hang_together_fill_shelves():
    drawn = layout.arrange([(100.0, 30.0)] * 60, [], [])
    assert len(set(drawn.centers)) == 60
    assert 0.5 < drawn.width / drawn.height < 4


def test_nothing_to_draw_has_no_size():
    assert layout.arrange([], [], []) == layout.Layout([], [], 0, 0)


def test_large_graphs_are_laid_out_whole():
    drawn = samples.layered(400)
    plan = picture.arrange(drawn, picture.boxes(drawn))
    assert len(set(plan.centers)) == len(drawn.items)
    assert all(path.startswith("M") for path in plan.paths)


# --- frames ----------------------------------------------------------------------------------------------------


HOMES = ["", "a", "b", "a.x", "a.y", "a.x.q", "c"]


@st.composite
def framed(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], list[str]]:
    count, links = draw(graphs())
    turned = [(b, a) if draw(st.integers(0, 9)) == 0 else (a, b) for a, b in links]
    return count, turned, [draw(st.sampled_from(HOMES)) for _ in range(count)]


def rectangles(drawn: layout.Layout, sizes: list[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in zip(drawn.centers, sizes, strict=True)]


def apart(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 1 or b[3] <= a[1] + 1


@given(framed())
def test_frames_hold_what_is_theirs_and_nothing_else(given):
    count, links, homes = given
    sizes = [(60.0 + 13 * (at % 5), 24.0 + 11 * (at % 3)) for at in range(count)]
    drawn = layout.arrange(sizes, links, [False] * len(links), homes, {"a": 200.0})
    boxes = rectangles(drawn, sizes)
    assert all(apart(a, b) for a, b in combinations(boxes, 2))
    assert {name for name, *_ in drawn.frames} == layout.frames(homes, links)
    for name, x, y, width, height in drawn.frames:
        for home, box in zip(homes, boxes, strict=True):
            if home == name or home.startswith(f"{name}."):
                assert x - 1 <= box[0] and y - 1 <= box[1] and box[2] <= x + width + 1 and box[3] <= y + height + 1
            else:
                assert apart(box, (x, y, x + width, y + height))


@given(framed())
def test_edges_begin_and_end_at_their_boxes_through_frames_too(given):
    count, links, homes = given
    sizes = [(60.0, 24.0)] * count
    drawn = layout.arrange(sizes, links, [False] * len(links), homes)
    for (source, target), path in zip(links, drawn.paths, strict=True):
        pieces = stretches(path)
        (x1, y1), (x2, y2) = drawn.centers[source], drawn.centers[target]
        assert abs(pieces[0][1] - x1) <= 1 and abs(pieces[-1][3] - x2) <= 1
        assert 12 - 2 <= abs(pieces[0][2] - y1) <= 12 + 2 and 19 - 2 <= abs(pieces[-1][4] - y2) <= 19 + 2


def test_frames_without_circles_are_all_drawn():
    drawn = samples.areas()
    links = [(edge.source, edge.target) for edge in drawn.edges]
    assert layout.frames([item.home for item in drawn.items], links) == {"north", "north.train", "south", "south.train"}


def test_a_frame_that_edges_leave_and_enter_again_is_left_out():
    assert layout.frames(["a", "", "a", "b"], [(0, 1), (1, 2), (2, 3)]) == {"b"}


def test_what_closes_a_circle_runs_upwards():
    drawn = layout.arrange([(60.0, 24.0)] * 3, [(0, 1), (1, 2), (2, 0)], [False] * 3)
    last = stretches(drawn.paths[2])
    assert last[0][2] > last[-1][4]
    assert drawn.centers[0][1] < drawn.centers[1][1] < drawn.centers[2][1]


def test_late_boxes_stand_just_above_what_they_lead_to():
    links = [(0, 1), (1, 2), (2, 3), (4, 5), (5, 3)]
    assert ranking.rank(6, links) == [0, 1, 2, 3, 0, 1]
    assert ranking.rank(6, links, late={5}) == [0, 1, 2, 3, 1, 2]


def test_many_namespaces_are_laid_out_whole():
    drawn = samples.spaces(20, 15)
    plan = picture.arrange(drawn, picture.boxes(drawn))
    assert len(set(plan.centers)) == len(drawn.items)
    assert len(plan.frames) == 40


def test_conditions_are_written_half_way():
    scene_of = page_scene()
    plan = picture.arrange(scene_of, picture.boxes(scene_of))
    (label,) = plan.labels
    fast, fit = (
        plan.centers[at] for at, item in enumerate(scene_of.items) if item.name in ("params:fast", "area.in.fit")
    )
    assert label.text == "when fast"
    assert fast[1] < label.y < fit[1]


def page_scene():
    made = [
        nodes.node(lambda a: a, "raw", "area.clean", name="clean", namespace="area"),
        nodes.node(lambda a: a, "area.clean", "area.model", name="fit", namespace="area.in", when="params:fast"),
        nodes.node(lambda a: a, "area.model", "out", name="use", namespace="area", over="area.model"),
        nodes.node(lambda: None, name="tidy", always=True),
    ]
    return scene.build(graph.Pipeline(made), title="page")


NODE = shutil.which("node")

SCRIPT = """
const fs = require("fs"), source = process.argv[1];
const folding = new Function(source + "; return folding")();
const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const all = asked.cases.map(([folded, shows]) => folding.view(asked.data, new Set(folded), shows));
process.stdout.write(JSON.stringify(all));
"""


@pytest.mark.skipif(NODE is None, reason="there is no node to run the page's code with")
@pytest.mark.parametrize(
    "drawn", [samples.areas(), samples.cars(), samples.spaces(5, 7), samples.layered(60)], ids=lambda drawn: drawn.title
)
def test_the_page_lays_out_as_python_does(drawn):
    spaces = folding.namespaces(drawn)
    folds = [[], spaces[:1], spaces[1:2], spaces[::3], spaces]
    cases = [
        (folded, {"datasets": datasets, "parameters": parameters})
        for folded in folds
        for datasets in (True, False)
        for parameters in (True, False)
    ]
    text = page.draw(drawn)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    source = "".join(
        resources.files("tane.pipeline.drawing").joinpath(name).read_text()
        for name in ("rows.js", "layout.js", "folding.js")
    )
    asked = json.dumps({"data": json.loads(found[1]), "cases": cases})
    done = subprocess.run([str(NODE), "-e", SCRIPT, source], input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for (folded, shows), seen in zip(cases, json.loads(done.stdout), strict=True):
        expected = python_view(drawn, folded, shows)
        assert [name for name, *_ in seen["frames"]] == [name for name, *_ in expected["frames"]]
        assert [edge[:3] for edge in seen["edges"]] == [edge[:3] for edge in expected["edges"]]
        for one, other in zip(seen["at"], expected["at"], strict=True):
            assert (one is None) == (other is None)
            assert one is None or max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 1
        assert abs(seen["w"] - expected["w"]) <= 1 and abs(seen["h"] - expected["h"]) <= 1


def python_view(drawn, folded, shows):
    text = page.draw(drawn, folded)
    sizes = [item["size"] for item in json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])["items"]]
    part, kept = folding.fold(drawn, folded)
    part, still = folding.reduce(part, parameters=shows["parameters"], datasets=shows["datasets"])
    kept = [kept[at] for at in still]
    plan = picture.arrange(part, [picture.Box(*sizes[at], "", "") for at in kept])
    places = [None] * len(sizes)
    for at, center in zip(kept, plan.centers, strict=True):
        places[at] = center
    return {
        "w": plan.width,
        "h": plan.height,
        "at": places,
        "edges": [[kept[e.source], kept[e.target], int(e.order)] for e in part.edges],
        "frames": plan.frames,
    }


def test_a_condition_on_what_is_within_and_without_leaves_the_frame():
    def fits(coin, side):
        return coin == side

    inner = graph.Pipeline(
        [
            nodes.node(lambda a: a, "rows", "drawn", name="draw", when=(fits, ["coin", "params:side"])),
            nodes.node(lambda a: a, "drawn", None, name="show"),
        ]
    )
    coin = nodes.node(lambda: 1, None, "coin", name="toss")
    both = [graph.Pipeline([inner], namespace=name, inputs=["coin", "rows"]) for name in ("one", "two")]
    drawn = scene.build(graph.Pipeline([coin, *both]))
    plan = picture.arrange(drawn, picture.boxes(drawn))
    assert {frame[0] for frame in plan.frames} == {"one", "two"}
