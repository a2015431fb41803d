from __future__ import annotations

from tane.project import sources


def names(root, found):
    return [str(path.relative_to(root)) for path in found]


def test_a_packages_modules_data_files_and_folders_count(shop, write):
    write({"src/shop/words.txt": "", "src/shop/__pycache__/work.pyc": "", "data/01_raw/big.csv": ""})
    assert names(shop, sources.of_package(shop, shop / "src", "shop")) == [
        "pyproject.toml",
        "src",
        "src/shop",
        "src/shop/__init__.py",
        "src/shop/pipeline_registry.py",
        "src/shop/words.txt",
        "src/shop/work.py",
    ]


def test_a_flat_layout_has_its_package_and_loose_modules(write):
    root = write({"pyproject.toml": "", "shop/a.py": "", "beside.py": "", "data/big.csv": "", ".venv/x.py": ""})
    found = names(root, sources.of_package(root, root, "shop"))
    assert found == [".", "beside.py", "pyproject.toml", "shop", "shop/a.py"]


def test_a_file_counts_with_the_modules_and_packages_beside_it(write):
    root = write({"flow.py": "", "helper.py": "", "notes.txt": "", "lib/__init__.py": "", "data/x.csv": ""})
    found = names(root, sources.of_flow(root / "flow.py"))
    assert found == [".", "flow.py", "helper.py", "lib", "lib/__init__.py"]
