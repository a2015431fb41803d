"""Files that are made of what is logged, and given back."""

import io
import math
import pickle

import numpy
import pandas
import polars
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

import tane
from tane import errors


@pytest.fixture
def run(here):
    with tane.start_run() as opened:
        yield opened


FRAME = load_diabetes(as_frame=True).frame.head(20)


@pytest.mark.parametrize("name", ["table", "table.parquet", "deep/er/table.csv"])
def test_a_frame_of_pandas_comes_back_as_it_was(run, name):
    tane.log_table(name, FRAME)
    pandas.testing.assert_frame_equal(tane.load_artifact(run, name), FRAME, check_exact=True)


def test_labels_of_a_frame_are_kept_as_a_column(run):
    tane.log_table("confusion", pandas.DataFrame([[1, 2], [3, 4]], index=pandas.Index(["no", "yes"], name="is")))
    assert list(tane.load_artifact(run, "confusion")["is"]) == ["no", "yes"]


def test_frames_of_polars_and_series_are_tables_too(run):
    tane.log_table("polars", polars.DataFrame({"a": [1, 2]}))
    tane.log_table("series", pandas.Series([1.5, 2.5], name="x"))
    assert list(tane.load_artifact(run, "polars")["a"]) == [1, 2]
    assert list(tane.load_artifact(run, "series")["x"]) == [1.5, 2.5]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"a": 1, "b": [1, 2]}, {"a": None}], [{"a": 1, "b": [1, 2]}, {"a": None}]),
        ([[1, "x"], [2, "y"]], [{"0": 1, "1": "x"}, {"0": 2, "1": "y"}]),
        ({"a": [1, 2], "b": ("x", "y")}, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        (numpy.eye(2), [{"0": 1.0, "1": 0.0}, {"0": 0.0, "1": 1.0}]),
        ([], []),
    ],
)
def test_rows_of_plain_python_come_back(run, rows, expected):
    tane.log_table("rows", rows)
    assert tane.load_artifact(run, "rows") == expected


@pytest.mark.parametrize("rows", [3, "text", {"a": 1}, {"a": [1], "b": [1, 2]}, [1, 2], [{"a": 1}, 2]])
def test_what_has_no_rows_is_refused(run, rows):
    with pytest.raises(errors.UsageError, match="table 't'"):
        tane.log_table("t", rows)


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (numpy.arange(12, dtype="uint8").reshape(3, 4), "L"),
        (numpy.linspace(0, 1, 12).reshape(3, 4), "L"),
        (numpy.zeros((3, 4), bool), "L"),
        (numpy.full((3, 4, 3), 200), "RGB"),
        (numpy.zeros((3, 4, 4), "float32"), "RGBA"),
        (numpy.zeros((1, 30, 40), "uint8"), "L"),  # channels first
        (numpy.zeros((3, 30, 40), "uint8"), "RGB"),
    ],
)
def test_an_array_is_kept_as_the_image_it_shows(run, array, mode):
    tane.log_image("image", array)
    image = Image.open(io.BytesIO(run.artifact("image.png").read()))
    image.load()
    assert image.mode == mode
    if array.dtype == "uint8" and array.ndim == 2:
        assert numpy.array_equal(numpy.asarray(image), array)


def test_images_of_pillow_and_files_are_kept(run, here):
    picture = Image.new("RGB", (3, 2), "red")
    tane.log_image("a.png", picture)
    picture.save("b.jpg")
    tane.log_image("b", "b.jpg")
    assert tane.load_artifact(run, "a").getpixel((0, 0)) == (255, 0, 0)
    assert run.artifact("b.jpg").read() == (here / "b.jpg").read_bytes()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (numpy.full((2, 2), 300.0), "has values from 300 to 300"),
        (numpy.full((2, 2), math.nan), "has values from nan"),
        (numpy.zeros((2, 2, 7)), "has the shape"),
        (numpy.zeros((0, 2)), "has the shape"),
        (object(), "is object, not an image"),
        ("nothing.png", "there is no file nothing.png"),
    ],
)
def test_what_is_no_image_is_refused(run, image, message):
    with pytest.raises(errors.UsageError, match=message):
        tane.log_image("i", image)


def test_documents_come_back_as_json_and_as_yaml(run):
    content = {"a": {"b": [1, 2.5, None, "ä"]}, "n": numpy.int64(3)}
    for name in ("c.json", "c.yml"):
        tane.log_dict(name, content)
        assert tane.load_artifact(run, name) == {"a": {"b": [1, 2.5, None, "ä"]}, "n": 3}


@pytest.mark.parametrize("name", ["ridge", "ridge.joblib"])
def test_a_model_comes_back_and_is_one_of_the_artifacts(run, name):
    model = Ridge().fit(FRAME.drop(columns="target"), FRAME["target"])
    tane.log_model(model, name)
    again = tane.load_artifact(run, name)
    assert numpy.array_equal(again.coef_, model.coef_)
    assert [each.kind for each in run.artifacts.values()] == ["model"]


def test_a_model_is_a_pickle_that_needs_no_tane_to_be_read(run):
    tane.log_model({"weights": [1, 2]})
    assert pickle.loads(run.artifact("model").read()) == {"weights": [1, 2]}


def test_a_model_of_a_class_of_the_script_goes_along_by_value(python):
    done = python(
        "import tane\nclass Mean:\n    def predict(self, x):\n        return sum(x) / len(x)\n"
        "with tane.start_run():\n    tane.log_model(Mean())\n"
    )
    assert done.returncode == 0, done.stderr
    assert tane.load_artifact("last", "model").predict([1, 3]) == 2


def test_a_model_that_cannot_be_pickled_is_refused(run):
    with pytest.raises(errors.UsageError, match="model 'm' cannot be kept"):
        tane.log_model((item for item in ()), "m")


def test_a_damaged_model_is_not_loaded(run, here):
    tane.log_model(numpy.random.default_rng(0).random(1_000_000))
    [stored] = [path for path in (here / ".tane/objects").rglob("*") if path.is_file() and path.stat().st_size > 4e6]
    stored.chmod(0o644)
    with stored.open("r+b") as file:
        file.seek(4_000_000)
        file.write(b"damaged!")
    with pytest.raises(errors.CorruptObjectError):
        tane.load_artifact(run.id, "model")


def test_folders_are_kept_whole_and_laid_out_again(run, here):
    (here / "made/deep").mkdir(parents=True)
    (here / "made/deep/a.txt").write_text("Hello world!")
    tane.log_artifact("made", "kept")
    with pytest.raises(errors.UsageError, match="is a folder"):
        tane.load_artifact(run, "kept")
    run.artifact("kept").save(here / "again")
    assert (here / "again/deep/a.txt").read_text() == "Hello world!"


@pytest.mark.parametrize("name", ["", ".", "..", "/etc/passwd", "a/../../b", "..\\b", "a\nb", "a\0b", "x" * 300, 3])
def test_a_name_cannot_leave_the_run(run, name):
    for call in (lambda: tane.log_text("x", name), lambda: tane.log_table(name, []), lambda: tane.log_model(1, name)):
        with pytest.raises(errors.UsageError, match="cannot name an artifact"):
            call()


@pytest.mark.parametrize(("first", "second"), [("a", "a/b/c"), ("a/b", "a")])
def test_two_that_cannot_lie_in_one_folder_are_refused(run, first, second):
    tane.log_text("1", first)
    tane.log_text("again", first)
    tane.log_text("beside", "ab")
    with pytest.raises(errors.UsageError, match=f"'{second}' cannot name an artifact beside '{first}'"):
        tane.log_text("2", second)
    assert set(run.artifacts) == {first, "ab"}


@pytest.mark.parametrize("name", ["table.exe", "dict.exe"])
def test_a_suffix_that_nothing_writes_is_refused(run, name):
    with pytest.raises(errors.UsageError, match=r"cannot be written as \.exe"):
        tane.log_table(name, FRAME) if name.startswith("table") else tane.log_dict(name, {})


def test_an_unknown_artifact_is_refused_with_the_nearest(run):
    tane.log_text("x", "report.md")
    with pytest.raises(errors.UsageError, match=r"did you mean 'report\.md'"):
        tane.load_artifact(run, "reports.md")
