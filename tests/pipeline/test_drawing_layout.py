from __future__ import annotations

import re
from itertools import combinations, pairwise

import drawing_samples as samples
from hypothesis import given
from hypothesis import strategies as st

from tane.pipeline.drawing import layout, ordering, picture, placing, ranking


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
def test_every_edge_leads_to_a_lower_row(graph):
    count, links = graph
    rows = ranking.rank(count, links)
    assert all(rows[source] < rows[target] for source, target in links)
    assert set(rows) == set(range(max(rows) + 1))


@given(graphs())
def test_routes_pass_neighbouring_rows_from_source_to_target(graph):
    count, links = graph
    mesh = ranking.mesh(count, links, [False] * len(links))
    for (source, target), route in zip(links, mesh.routes, strict=True):
        assert (route[0], route[-1]) == (source, target)
        assert all(mesh.row[b] == mesh.row[a] + 1 for a, b in pairwise(route))
        assert all(b in mesh.below[a] and a in mesh.above[b] for a, b in pairwise(route))


@given(graphs())
def test_ordering_keeps_every_vertex_once_in_its_row(graph):
    count, links = graph
    mesh = ranking.mesh(count, links, [False] * len(links))
    ordering.arrange(mesh)
    assert sorted(v for row in mesh.rows for v in row) == list(range(len(mesh.row)))
    assert all(mesh.row[v] == at for at, row in enumerate(mesh.rows) for v in row)


@given(graphs())
def test_boxes_of_a_row_keep_their_order_and_do_not_touch(graph):
    count, links = graph
    mesh = ranking.mesh(count, links, [False] * len(links))
    ordering.arrange(mesh)
    x = placing.place(mesh, [80.0] * count)
    for row in mesh.rows:
        for left, right in pairwise(row):
            need = 40.0 * (left < count) + 40.0 * (right < count)
            assert x[right] - x[left] > need


@given(graphs())
def test_boxes_do_not_overlap_and_lie_within(graph):
    count, links = graph
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
def test_edges_run_downwards_from_below_their_source_to_above_their_target(graph):
    count, links = graph
    drawn = arranged(count, links)
    for (source, target), path in zip(links, drawn.paths, strict=True):
        pieces = stretches(path)
        assert all(y1 < y2 for _, _, y1, _, y2 in pieces)
        assert (pieces[0][1], pieces[-1][3]) == (drawn.centers[source][0], drawn.centers[target][0])
        assert drawn.centers[source][1] < pieces[0][2] < pieces[-1][4] < drawn.centers[target][1]


@given(graphs())
def test_no_edge_crosses_a_box(graph):
    count, links = graph
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
