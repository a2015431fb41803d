from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import drawing_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane.pipeline import commands, graph, nodes
from tane.pipeline.drawing import page, palette, scene, svg

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<b>&\"'</script>\x00\ud800\uffff@title@]]>"


def nasty() -> scene.Scene:
    made = [samples.Node(f"n{NASTY}", (f"in{NASTY}", f"params:{NASTY}"), (f"out{NASTY}",), frozenset({NASTY}))]
    return scene.build(
        samples.Pipeline(made),
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


def shown(text: str) -> dict[str, bool]:
    """Which items, by kind and name, the page shows without scripts."""
    found = re.findall(r'<g class="item (\w+)" data-i="(\d+)" (hidden|transform)', text)
    items = data_of(text)["items"]
    return {f"{kind} {items[int(at)]['name']}": how == "transform" for kind, at, how in found}


def test_the_page_opens_as_it_was_asked_to():
    whole, folded = (page.draw(samples.areas(), spaces) for spaces in ([], ["north"]))
    assert [name for name, seen in shown(whole).items() if not seen] == [
        "namespace north",
        "namespace north.train",
        "namespace south",
        "namespace south.train",
    ]
    assert {name for name, seen in shown(folded).items() if seen and "north" in name} == {
        "namespace north",
        "dataset north.metrics",
        "dataset north.errors",
    }
    assert data_of(folded)["folded"] == ["north"]
    for text in (whole, folded):
        view = data_of(text)["view"]
        assert [bool(at) for at in view["at"]] == list(shown(text).values())
        assert all(view["at"][source] and view["at"][target] for source, target, _, _ in view["edges"])


def test_namespaces_have_frames_with_their_names():
    text = page.draw(samples.areas())
    assert text.count('<rect class="frame"') == 4
    assert text.count('<g class="tag"') == 4
    assert text.count('class="space"') == 4
    root = ElementTree.fromstring(svg.draw(samples.areas()))
    titles = {title.text for title in root.iter(f"{SVG}title")}
    assert {"namespace north", "namespace south.train", "node north.train.fit"} <= titles
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("train") == 2 and texts.count("fit") == 2 and "north.train.fit" not in texts


def special() -> scene.Scene:
    """A node of each kind that has a sign."""
    return scene.build(
        graph.Pipeline(
            [
                nodes.node(lambda a: a, "files", "tables", name="read", over="files"),
                nodes.node(lambda a: a, "tables", "model", name="fit", when="params:train"),
                nodes.node(lambda a: a, "model", "page", name="show", when=lambda model: bool(model)),
                commands.command("wc -l {tables} > {count}", "tables", "count", name="count"),
                nodes.node(lambda: None, name="tidy", always=True),
            ]
        )
    )


def test_signs_are_drawn_and_explained():
    text = svg.draw(special())
    root = ElementTree.fromstring(text)
    texts = {each.text for each in root.iter(f"{SVG}text")}
    assert {"$", "when train", "on a condition", "once for each item", "shell command"} <= texts
    assert {"runs however the others end", "dashed: order only or condition"} <= texts
    classes = [each.get("class") for each in root.iter() if each.get("class")]
    assert classes.count("card behind") == 2 + 1  # the node's and the legend's
    assert classes.count("always") == 2
    legend = page.draw(special())
    assert all(f">{word}<" in legend or f"{word}</p>" in legend for word in ("once for each item", "shell command"))


def test_what_does_not_occur_is_not_explained():
    for text in (svg.draw(samples.areas()), page.draw(samples.areas())):
        assert "dashed" not in text.partition("<script")[0]
        assert "shell command" not in text.partition("<script")[0]


def test_the_page_tells_how_a_node_runs():
    items = {item["name"]: item for item in data_of(page.draw(special()))["items"]}
    assert items["read"]["runs"] == ["once for each item of files"]
    assert items["fit"]["runs"] == ["when train"]
    assert items["tidy"]["runs"] == ["always, however the others end"]
    assert next(item for item in data_of(page.draw(special()))["items"] if "command" in item)["command"].startswith(
        "wc"
    )


def test_a_line_of_a_condition_is_dashed_unless_data_flow_too():
    data = data_of(page.draw(special()))
    names = [item["name"] for item in data["items"]]
    dashed = {(names[source], names[target]): order for source, target, order, when in data["edges"] if when}
    assert dashed == {("params:train", "fit"): 1, ("model", "show"): 0}


def test_the_sizes_of_all_labels_are_known_to_the_page():
    data = data_of(page.draw(special()))
    assert {when for *_, when in data["edges"] if when} == set(data["labels"]) == {"when train", "on a condition"}


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

CLICKS = """<script>
const told = [], tell = (...words) => told.push(words.join(" "));
addEventListener("error", (event) => tell("ERROR " + event.message));
document.getElementById("stage").setPointerCapture = () => {};
const seen = () => [...document.querySelectorAll("#items .item")].filter((one) => !one.hasAttribute("hidden"));
const press = (element) => ["pointerdown", "pointerup"].forEach((kind) =>
  element.dispatchEvent(new PointerEvent(kind, { bubbles: true, pointerId: 1, clientX: 5, clientY: 5 })));
const state = (what) => tell(what, seen().length, document.querySelectorAll(".frame").length, location.hash || "-");
state("start");
press(document.querySelector('.tag[data-space="' + SPACE + '"] .card'));
state("fold");
press(seen().find((one) => one.matches(".namespace")).querySelector(".card"));
state("unfold");
document.dispatchEvent(new KeyboardEvent("keydown", { key: "f" }));
state("all");
const search = document.getElementById("search");
search.value = "south.train.fit";
search.dispatchEvent(new Event("input"));
search.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
state("found " + document.querySelector("#panel h2").textContent);
document.getElementById("folds").click();
document.getElementById("folds").click();
document.getElementById("datasets").click();
state("bare");
location.hash = "#fold=south";
setTimeout(() => { state("address"); document.body.innerHTML = "<pre>" + told.join("\\n") + "</pre>"; }, 200);
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to open the page with")
def test_namespaces_fold_at_a_click_and_the_address_says_so(tmp_path):
    text = page.draw(samples.areas())
    north = next(at for at, item in enumerate(data_of(text)["items"]) if item["kind"] == "namespace")
    (tmp_path / "page.html").write_text(text.replace("</body>", CLICKS.replace("SPACE", str(north))))
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=4000",
            "--dump-dom",
            (tmp_path / "page.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found = re.search(r"<pre>(.*?)</pre>", done.stdout, re.DOTALL)
    assert found, done.stderr
    assert found[1].splitlines() == [
        "start 23 4 -",
        "fold 17 2 #fold=north",
        "unfold 23 4 -",
        "all 11 0 #fold=north,north.train,south,south.train",
        "found south.train.fit 17 2 #fold=north,north.train",
        "bare 13 4 #hide=datasets",
        "address 17 2 #fold=south",
    ]


def test_names_with_markup_stay_text_in_the_page():
    text = page.draw(nasty())
    reader = Reader(text)
    assert "b" not in reader.texts
    assert text.count("</script>") == 2
    assert data_of(text)["items"][0]["name"] == f"in{NASTY}".partition("@")[0]  # what follows @ is a form of it


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
