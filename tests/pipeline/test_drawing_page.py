from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import drawing_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane.pipeline.drawing import page, palette, scene, svg

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<b>&\"'</script>\x00\ud800\uffff@title@]]>"


def nasty() -> scene.Scene:
    nodes = [samples.Node(f"n{NASTY}", (f"in{NASTY}", f"params:{NASTY}"), (f"out{NASTY}",), frozenset({NASTY}))]
    return scene.build(
        samples.Pipeline(nodes),
        title=NASTY,
        datasets={f"in{NASTY}": scene.DatasetInfo(NASTY, NASTY, NASTY, NASTY)},
        steps={f"n{NASTY}": scene.StepInfo(NASTY, 1.0, 1.0, [NASTY], NASTY, NASTY)},
        parameters={NASTY: NASTY},
    )


class Reader(HTMLParser):
    """The texts of a page by their element, and all attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.stack[-1] if self.stack else "", []).append(data)

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack.pop() != tag:
            pass


def data_of(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_svg_is_xml_with_every_item_and_edge():
    root = ElementTree.fromstring(svg.draw(samples.cars()))
    titles = [(title.text or "").splitlines()[0] for title in root.iter(f"{SVG}title")]
    assert titles == [f"{item.kind} {item.name}" for item in samples.cars().items]
    lines = [path.get("class") for path in root.iter(f"{SVG}path") if "edge" in (path.get("class") or "")]
    assert sorted(lines) == ["edge"] * 13 + ["edge order"]


def test_the_svg_names_layers_and_statuses():
    texts = {text.text for text in ElementTree.fromstring(svg.draw(samples.cars())).iter(f"{SVG}text")}
    assert {"cars", "raw", "models", "reused", "failed", "dashed: order only"} <= texts
    assert {"reused · 200 ms", "failed · 1 min 11 s", "pandas.CSVDataset", "split.seed = 7"} <= texts


def test_names_with_markup_stay_text_in_the_svg():
    root = ElementTree.fromstring(svg.draw(nasty()))
    assert not list(root.iter(f"{SVG}b"))
    assert any("<b>&\"'</script>" in (title.text or "") for title in root.iter(f"{SVG}title"))


@given(st.text(min_size=1, max_size=60))
def test_any_name_gives_well_formed_xml_that_can_be_written(name):
    drawn = scene.build(samples.Pipeline([samples.Node(name, (name + "1",), (name + "2",))]), title=name)
    ElementTree.fromstring(svg.draw(drawn).encode())
    page.draw(drawn).encode()


@pytest.mark.parametrize("drawn", [samples.cars(), nasty()], ids=["cars", "nasty"])
def test_the_page_needs_no_network(drawn):
    text = page.draw(drawn)
    assert not re.findall(r"https?:", text)
    assert not re.search(r"@import|url\((?!#)|\bsrc=", text)
    links = [value for name, value in Reader(text).attributes if name == "href"]
    assert links == ["data:,"]


def test_the_page_shows_the_graph_without_scripts():
    reader = Reader(page.draw(samples.cars()))
    titles = [text.splitlines()[0] for text in reader.texts["title"]]
    assert titles == ["cars", *(f"{item.kind} {item.name}" for item in samples.cars().items)]
    assert sum(name == "d" and (value or "").startswith("M") for name, value in reader.attributes) > 14


def test_the_page_carries_what_the_panel_tells():
    items = data_of(page.draw(samples.cars()))["items"]
    fit = next(item for item in items if item["name"] == "fit")
    assert [items[at]["name"] for at in fit["takes"]] == ["train", "params:model", "parameters"]
    assert [items[at]["name"] for at in fit["makes"]] == ["model"]
    told = ("failed", "1 min 11 s", 60.0, ["code changed: fit()"], "cars.nodes", "Fit it.")
    assert tuple(fit[key] for key in ("status", "spent", "at", "reasons", "module", "doc")) == told
    raw = next(item for item in items if item["name"] == "cars_raw")
    assert (raw["layer"], raw["place"], raw["digest"]) == ("raw", "data/cars.csv", "ab" * 32)
    assert next(item for item in items if item["name"] == "load")["tags"] == ["a", "b"]
    assert next(item for item in items if item["name"] == "load")["at"] == 0.0


def test_each_view_of_the_page_shows_its_kinds_of_items():
    data = data_of(page.draw(samples.cars()))
    shown = {
        view: {item["kind"] for item, at in zip(data["items"], drawn["at"], strict=True) if at}
        for view, drawn in data["views"].items()
    }
    assert shown == {
        "pd": {"node", "dataset", "parameter"},
        "p": {"node", "parameter"},
        "d": {"node", "dataset"},
        "": {"node"},
    }
    for view in data["views"].values():
        assert all(view["at"][source] and view["at"][target] for source, target, _, _ in view["edges"])


def test_names_with_markup_stay_text_in_the_page():
    text = page.draw(nasty())
    reader = Reader(text)
    assert "b" not in reader.texts
    assert text.count("</script>") == 2
    assert data_of(text)["items"][0]["name"] == f"in{NASTY}"


def test_drawings_do_not_depend_on_the_hash_seed():
    code = (
        "import hashlib, drawing_samples as s; from tane.pipeline.drawing import page, svg, terminal;"
        "d = s.cars(); text = page.draw(d) + svg.draw(d) + terminal.draw(d);"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_an_empty_pipeline_is_drawn():
    drawn = scene.build(samples.Pipeline([]), title="nothing")
    ElementTree.fromstring(svg.draw(drawn))
    assert "0 nodes" in page.draw(drawn)


def test_known_layers_keep_their_colour_and_order_however_they_are_written():
    colors = palette.layer_colors(["zoo", "08_reporting", "raw", "Model Input", "01_raw"])
    assert list(colors) == ["01_raw", "raw", "Model Input", "08_reporting", "zoo"]
    assert colors["01_raw"] == colors["raw"] == palette.LAYERS["raw"]
    assert colors["zoo"] not in palette.LAYERS.values()
