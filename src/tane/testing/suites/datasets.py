# ruff: noqa: D102 - the name of a test says what it tests
"""What every dataset type must do, as tests: subclass `DatasetSuite` and say what an entry holds.

    class TestLines(DatasetSuite):
        entry = {"type": "my_package.LinesDataset", "filepath": "words.lst"}
        value = ["a", "b"]
        other = ["c"]            # something else that it holds
        wrong = 3                # something that it must refuse

What a dataset cannot do - one is only written, one only read - is not asked of it; such a test is skipped.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tane import errors
from tane.catalog import catalogs, datasets, masking
from tane.config import secret
from tane.pipeline import graph, nodes
from tane.runs import arguments, results, running
from tane.testing import comparing, moving, sheltered

NOTHING: Any = object()  # what is not said
_UNKNOWN = "no_such_option"
_DAY = 86400.0


def _echo(value: Any) -> Any:
    return value


def _told(value: Any) -> str:
    return "taken" if value is not None else "nothing"


class DatasetSuite:
    """Subclass it and say `entry`, as in the catalog, and `value`. Relative paths are below a folder of the test.

    `type` in the entry may be the class itself. What is known only when a test runs (an address, a file to read) is set
    by a fixture of yours: `self.entry = ...`. `credentials` are by name, as in credentials.yml. A type that is only
    read says `only_read = True` and overrides `put`; one that takes any option says `any_option = True`, one whose
    bytes differ from time to time `same_bytes = False`.
    """

    entry: Mapping[str, Any] = {}
    value: Any = NOTHING
    other: Any = NOTHING
    wrong: Any = NOTHING
    credentials: ClassVar[Mapping[str, Any]] = {}
    only_read: bool = False
    any_option: bool = False
    same_bytes: bool = True

    # --- what a subclass may change -----------------------------------------------------------------------------------

    def check_same(self, loaded: Any, saved: Any) -> None:
        """Fail unless what was loaded is what was saved; for types that give back something like it."""
        __tracebackhide__ = True
        comparing.assert_same(loaded, saved)

    def put(self, dataset: datasets.Dataset, value: Any, folder: Path) -> None:
        """Put `value` where the dataset reads it; for types that are only read."""
        if self._is_only_read(dataset):
            pytest.skip("it is only read: override put() to say how its source is made")
        moving.save(dataset, value, folder / "scratch")

    # --- parts --------------------------------------------------------------------------------------------------------

    @pytest.fixture(autouse=True)
    def _fresh_values(self) -> None:
        """What one test does to a value no other sees."""
        for name in ("value", "other", "wrong"):
            if name not in vars(self) and getattr(self, name) is not NOTHING:
                setattr(self, name, arguments.handed(getattr(self, name)))

    @pytest.fixture
    def dataset(self, tmp_path: Path) -> datasets.Dataset:
        """The dataset that the entry describes, in an empty folder."""
        return self._dataset(tmp_path / "data")

    def _dataset(self, folder: Path, **changed: Any) -> datasets.Dataset:
        folder.mkdir(exist_ok=True)
        found = self._catalog(folder, **changed).find("it")
        assert found is not None, "the entry is a value in memory: there is nothing to test"
        return found

    def _catalog(self, folder: Path, **changed: Any) -> catalogs.Catalog:
        credentials = {name: _wrapped(value) for name, value in self.credentials.items()}
        return catalogs.Catalog.from_config({"it": {**self._entry(), **changed}}, credentials, folder)

    def _entry(self) -> dict[str, Any]:
        found = dict(self.entry)
        kind = found.get("type")
        if isinstance(kind, type):
            found["type"] = f"{kind.__module__}.{kind.__qualname__}"
        return found

    def _load(self, dataset: datasets.Dataset, folder: Path) -> Any:
        return moving.load(dataset, folder / "scratch")

    def _has(self, dataset: datasets.Dataset, method: str) -> bool:
        return dataset.instance is None or callable(getattr(dataset.instance.find(), method, None))

    def _only_if(self, condition: object, why: str) -> None:
        if not condition:
            pytest.skip(why)

    def _only_if_loaded(self, dataset: datasets.Dataset) -> None:
        self._only_if(not dataset.write_only, "it is only written")

    def _only_if_saved(self, dataset: datasets.Dataset) -> None:
        self._only_if(not self._is_only_read(dataset), "it is only read")

    def _is_only_read(self, dataset: datasets.Dataset) -> bool:
        return self.only_read or dataset.read_only or not self._has(dataset, "save")

    # --- loading and saving -------------------------------------------------------------------------------------------

    def test_what_was_saved_is_loaded(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        self._only_if_loaded(dataset)
        self.put(dataset, self.value, tmp_path)
        self.check_same(self._load(dataset, tmp_path), self.value)
        self.check_same(self._load(dataset, tmp_path), self.value)

    def test_what_is_saved_takes_the_place_of_what_was_there(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        self._only_if(self.other is not NOTHING, "there is no other value")
        self._only_if_loaded(dataset)
        self.put(dataset, self.value, tmp_path)
        self.put(dataset, self.other, tmp_path)
        self.check_same(self._load(dataset, tmp_path), self.other)

    def test_saving_leaves_the_value_as_it_was(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        self._only_if_saved(dataset)
        self._only_if_loaded(dataset)  # drawing a figure changes it
        before = comparing.digest(self.value)
        self._only_if(before is not None, "its values have no digest")
        self.put(dataset, self.value, tmp_path)
        assert comparing.digest(self.value) == before

    def test_one_value_makes_the_same_bytes_today_and_tomorrow(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._only_if(self.same_bytes, "its bytes differ from time to time")
        found = []
        for name in ("today", "tomorrow"):
            dataset = self._dataset(tmp_path / name)
            self._only_if(dataset.local is not None, "it is no local file")
            self._only_if_saved(dataset)
            self.put(dataset, self.value, tmp_path)
            assert dataset.local is not None
            found.append(_bytes(dataset.local))
            real = time.time
            monkeypatch.setattr(time, "time", lambda real=real: real() + _DAY)
        assert found[0] == found[1]

    # --- mistakes -----------------------------------------------------------------------------------------------------

    def test_what_is_not_there_is_told_by_name_with_a_way_on(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        self._only_if_loaded(dataset)
        with pytest.raises(errors.TaneError) as raised:
            self._load(dataset, tmp_path)
        self._check_told(raised.value)

    def test_a_value_that_does_not_fit_is_refused(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        self._only_if(self.wrong is not NOTHING, "there is no wrong value")
        self._only_if_saved(dataset)
        with pytest.raises(errors.TaneError) as raised:
            self.put(dataset, self.wrong, tmp_path)
        self._check_told(raised.value)

    def test_an_option_that_nobody_knows_is_refused(self, tmp_path: Path) -> None:
        self._only_if(not self.any_option, "it takes any option")
        with pytest.raises(errors.TaneError) as raised:
            dataset = self._dataset(tmp_path / "data", **{_UNKNOWN: 1})
            if dataset.write_only:
                self.put(dataset, self.value, tmp_path)
            else:
                self._load(dataset, tmp_path)
        assert _UNKNOWN in str(raised.value)
        self._check_told(raised.value)

    def test_nothing_tells_a_secret(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        secrets = masking.leaves(self.credentials)
        self._only_if(secrets, "it has no credentials")
        told = [repr(dataset), repr(dataset.facts())]
        if not dataset.write_only:
            with pytest.raises(errors.TaneError) as raised:
                self._load(dataset, tmp_path)
            told.append(str(raised.value))
        assert not [text for text in told if any(secret in text for secret in secrets)]

    def _check_told(self, error: errors.TaneError) -> None:
        assert "'it'" in str(error), "the message does not name the dataset"
        assert all(fault.hint for fault in error.faults), "the message does not say what to do"

    # --- what is known of it ------------------------------------------------------------------------------------------

    def test_it_knows_whether_it_is_there(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        known = dataset.instance is None or dataset.local is not None or self._has(dataset, "exists")
        self._only_if(known, "its class has no exists()")
        assert not dataset.exists()
        self.put(dataset, self.value, tmp_path)
        assert dataset.exists()

    def test_its_digest_stays_until_the_content_changes(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        self._only_if(dataset.identifies, "its class has no digest()")
        self.put(dataset, self.value, tmp_path)
        first = dataset.digest()
        self._only_if(first is not None, "it does not say what identifies its content")
        self._load(dataset, tmp_path)
        assert dataset.digest() == first
        if self.other is not NOTHING:
            self.put(dataset, self.other, tmp_path)
            assert dataset.digest() != first

    def test_it_travels_between_processes(self, dataset: datasets.Dataset, tmp_path: Path) -> None:
        self._only_if_loaded(dataset)
        self.put(dataset, self.value, tmp_path)
        travelled = pickle.loads(pickle.dumps(dataset))
        self.check_same(self._load(travelled, tmp_path), self.value)

    # --- in runs ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("executor", ["serial", "processes"])
    def test_a_run_saves_it_and_the_next_one_reuses_it(self, tmp_path: Path, executor: str) -> None:
        written = self._dataset(tmp_path / "data")
        self._only_if_saved(written)
        steps = [nodes.node(_echo, "given", "it", name="make")]
        if not written.write_only:
            steps.append(nodes.node(_told, "it", "seen", name="take"))
        first = self._run(tmp_path, steps, executor, given=self.value)
        comparing.assert_ran(first)
        if not written.write_only:
            assert first["seen"] == "taken"
            self.check_same(first["it"], self.value)
        comparing.assert_reused(self._run(tmp_path, steps, executor))

    def test_a_run_takes_it_as_a_source(self, tmp_path: Path) -> None:
        source = self._dataset(tmp_path / "data")
        self._only_if_loaded(source)
        self.put(source, self.value, tmp_path)
        steps = [nodes.node(_told, "it", "seen", name="take")]
        assert self._run(tmp_path, steps)["seen"] == "taken"
        comparing.assert_reused(self._run(tmp_path, steps))

    def _run(self, folder: Path, steps: list[nodes.Node], executor: str = "serial", **inputs: Any) -> results.Run:
        """Run these nodes with the dataset `it` in the catalog; what was given to an earlier run is still known."""
        place = folder / "data"
        project = sheltered.bare(place, {"suite": graph.Pipeline(steps)}, catalog=self._catalog(place))
        return running.run(project, "suite", inputs=inputs, jobs=2, executor=executor).raise_for_status()


def _wrapped(value: Any) -> Any:
    """`value` with its leaves as secrets, as credentials are read."""
    if isinstance(value, Mapping):
        return {key: _wrapped(item) for key, item in value.items()}
    return secret.Secret(value)


def _bytes(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of all files of a folder, by name."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return {each.relative_to(path.parent).as_posix(): each.read_bytes() for each in files}
