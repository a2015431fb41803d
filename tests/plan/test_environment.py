from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tane.plan import environment


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def install(site: Path, name: str, version: str, *requires: str, modules: tuple[str, ...] = (), url: str = "") -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    (folder / "METADATA").write_text("\n".join([*lines, "", "Requires-Dist: not-a-header"]))
    files = [f"{module}/__init__.py,sha256=x,1" for module in modules or (name.replace("-", "_"),)]
    (folder / "RECORD").write_text("\n".join([*files, f"{folder.name}/METADATA,,", "../../bin/tool,,"]))
    if url:
        (folder / "direct_url.json").write_text(url)


def test_a_module_brings_its_distribution_and_all_it_requires(site: Path) -> None:
    install(site, "scikit-learn", "1.5", "numpy>=1.19", "SciPy (>=1.6)", modules=("sklearn",))
    install(site, "numpy", "2.1")
    install(site, "scipy", "1.14", "numpy<3")
    install(site, "pandas", "2.2")
    assert environment.closure(["sklearn"]) == {"numpy": "2.1", "scikit-learn": "1.5", "scipy": "1.14"}


def test_requirements_of_extras_are_left_out(site: Path) -> None:
    install(site, "app", "1", 'plot; extra == "plot"', 'tomli; python_version < "3.11"')
    install(site, "plot", "1")
    install(site, "tomli", "2")
    assert environment.closure(["app"]) == {"app": "1", "tomli": "2"}


def test_circular_requirements_end(site: Path) -> None:
    install(site, "one", "1", "two")
    install(site, "two", "2", "one")
    assert environment.closure(["one"]) == {"one": "1", "two": "2"}


def test_editable_installs_are_project_code(site: Path) -> None:
    install(site, "mine", "1", url=json.dumps({"url": "file:///x", "dir_info": {"editable": True}}))
    assert environment.closure(["mine"]) == {}
    assert environment.installed() == {"mine": "1"}


def test_all_distributions_of_a_shared_module_count(site: Path) -> None:
    install(site, "google-auth", "1", modules=("google",))
    install(site, "protobuf", "2", modules=("google",))
    assert environment.closure(["google"]) == {"google-auth": "1", "protobuf": "2"}


def test_single_file_and_compiled_modules_are_provided(site: Path) -> None:
    install(site, "six", "1")
    record = site / "six-1.dist-info" / "RECORD"
    record.write_text("six.py,,\n_speed.cpython-311-x86_64-linux-gnu.so,,\nsix-1.dist-info/METADATA,,\n")
    assert environment.closure(["_speed"]) == environment.closure(["six"]) == {"six": "1"}


def test_old_egg_folders_are_read(site: Path) -> None:
    folder = site / "legacy-0.9-py3.11.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Name: legacy\nVersion: 0.9\n")
    (folder / "top_level.txt").write_text("legacy\n")
    (folder / "requires.txt").write_text("numpy>1\n\n[plot]\nmatplotlib\n")
    install(site, "numpy", "2")
    install(site, "matplotlib", "3")
    assert environment.closure(["legacy"]) == {"legacy": "0.9", "numpy": "2"}


def test_unknown_modules_are_left_out(site: Path) -> None:
    assert environment.closure(["nothing_like_it"]) == {}


def test_installing_changes_the_signature_and_the_answer(site: Path, tmp_path: Path) -> None:
    install(site, "numpy", "1")
    before = environment.signature()
    assert environment.closure(["numpy"], tmp_path) == {"numpy": "1"}
    (site / "numpy-1.dist-info").rename(site / "numpy-2.dist-info")
    metadata_file = site / "numpy-2.dist-info" / "METADATA"
    metadata_file.write_text("Version: 2\n")
    os.utime(site, ns=(1, 1))
    assert environment.signature() != before
    assert environment.closure(["numpy"], tmp_path) == {"numpy": "2"}


def test_the_signature_sees_path_files(site: Path) -> None:
    (site / "extra.pth").write_text("/somewhere\n")
    before = environment.signature()
    os.utime(site / "extra.pth", ns=(1, 1))
    assert environment.signature() != before


def test_the_cache_file_answers_without_reading_metadata(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "numpy", "1")
    environment.closure(["numpy"], tmp_path)
    environment._known.clear()
    monkeypatch.setattr(environment, "_read_all", lambda: pytest.fail("read again"))
    assert environment.closure(["numpy"], tmp_path) == {"numpy": "1"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": 1}'])
def test_a_damaged_cache_file_is_made_again(site: Path, tmp_path: Path, text: str) -> None:
    install(site, "numpy", "1")
    (Path(environment._file(tmp_path))).write_text(text)
    assert environment.closure(["numpy"], tmp_path) == {"numpy": "1"}
    assert json.loads((Path(environment._file(tmp_path))).read_text())["distributions"]


def test_a_cache_folder_that_cannot_be_made_is_no_error(site: Path, tmp_path: Path) -> None:
    install(site, "numpy", "1")
    (tmp_path / "file").touch()
    assert environment.closure(["numpy"], tmp_path / "file" / "cache") == {"numpy": "1"}


def test_the_real_installation_agrees_with_importlib() -> None:
    found = environment.installed()
    expected = {environment.normalised(d.metadata["Name"]): d.version for d in metadata.distributions()}
    assert {name: found.get(name) for name in expected} == expected


def test_the_real_closure_of_pandas_holds_numpy() -> None:
    assert {"pandas", "numpy", "python-dateutil"} <= environment.closure(["pandas"]).keys()


def test_the_signature_imports_nothing_slow() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from tane.plan import environment; environment.signature()\n"
        "print([m for m in ('json', 'pathlib', 'inspect', 'ast', 'email') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *(p for p in sys.path if "site-packages" not in p)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
