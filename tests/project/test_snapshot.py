from __future__ import annotations

import os
import subprocess

import pytest

from tane.project import patches, snapshot


@pytest.fixture
def repository(shop, write, monkeypatch):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.com")
    write({"conf/base/parameters.yml": "a: 1\n", "tane.lock": "", "data/x.csv": "1\n"})
    git(shop, "init", "-q", "-b", "main")
    git(shop, "add", ".")
    git(shop, "commit", "-qm", "first")
    return shop


def git(root, *arguments, data=None):
    done = subprocess.run(["git", *arguments], cwd=root, input=data, capture_output=True, check=True)
    return done.stdout


def state(root):
    return snapshot.git_state(root, [root / "src"], root / "conf")


def test_a_clean_project_has_commit_and_branch(repository):
    commit = git(repository, "rev-parse", "HEAD").decode().strip()
    assert state(repository) == snapshot.Git(commit, "main")


def test_data_and_the_lock_file_do_not_make_it_dirty(repository, write):
    write({"data/x.csv": "2\n", "tane.lock": "x", "notes.md": ""})
    assert not state(repository).dirty


def test_the_diff_brings_back_every_change(repository, write, tmp_path_factory):
    write(
        {
            "src/shop/work.py": "def double(number): return number + number",
            "src/shop/new.py": "x = 1",
            "src/shop/empty.py": "",
            'src/shop/odd "näme\t.txt': "a\r\nb\n",
            "conf/base/parameters.yml": "a: 2\n",
        }
    )
    (repository / "src/shop/table.bin").write_bytes(bytes(range(256)) * 3 + b"\0")
    (repository / "src/shop/work.py").chmod(0o755)
    found = state(repository)
    assert found.dirty
    copy = tmp_path_factory.mktemp("copy")
    git(copy, "clone", "-q", str(repository), ".")
    git(copy, "apply", "-", data=found.diff)
    for folder in ("src/shop", "conf/base"):
        names = sorted(path.name for path in (repository / folder).iterdir())
        assert sorted(path.name for path in (copy / folder).iterdir()) == names
        for name in names:
            assert (copy / folder / name).read_bytes() == (repository / folder / name).read_bytes()
    assert os.access(copy / "src/shop/work.py", os.X_OK)


def test_secrets_take_no_part(repository, write):
    write({"conf/local/credentials.yml": "key: hush", "conf/base/credentials_db.yml": "key: hush"})
    assert state(repository) == snapshot.Git(state(repository).commit, "main")


def test_large_files_are_named_instead(repository, write):
    write({"src/shop/big.txt": "x" * (snapshot.FILE_LIMIT + 1)})
    found = state(repository)
    assert (found.diff, found.omitted) == (b"", ("src/shop/big.txt",))


def test_a_repository_without_commits_has_everything_in_the_diff(shop):
    git(shop, "init", "-q", "-b", "main")
    git(shop, "add", "src/shop/work.py")
    found = state(shop)
    assert (found.commit, found.branch, found.dirty) == ("", "main", True)
    assert b"+++ b/src/shop/work.py" in found.diff
    assert b"+++ b/pyproject.toml" in found.diff


def test_a_detached_head_has_no_branch(repository):
    git(repository, "checkout", "-q", "--detach")
    assert state(repository).branch == ""


def test_a_project_below_the_repositorys_top_is_seen_alone(repository, write):
    write({"other/src/shop/work.py": "", "src/shop/unrelated.py": ""})
    found = state(repository / "other")
    assert found.diff.count(b"diff --git") == 1
    assert b"b/other/src/shop/work.py" in found.diff


def test_the_modules_beside_a_file_belong_to_it(repository, write):
    write({"flow.py": "x", "helper.py": "y", "notes.txt": ""})
    found = snapshot.git_state(repository, [repository / "flow.py"], repository / "conf")
    assert found.diff.count(b"diff --git") == 2


def test_the_users_diff_settings_change_nothing(repository, write):
    for key, value in (("diff.noprefix", "true"), ("color.ui", "always"), ("diff.external", "false")):
        git(repository, "config", key, value)
    write({"conf/base/parameters.yml": "a: 2\n"})
    assert b"--- a/conf/base/parameters.yml\n+++ b/conf/base/parameters.yml\n" in state(repository).diff


def test_without_a_repository_git_is_empty(shop):
    assert state(shop) == snapshot.Git()


def test_without_git_the_snapshot_still_comes(repository, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    taken = snapshot.take(repository, [repository / "src"], repository / "conf", ["/usr/bin/tane", "run"])
    assert taken.git == snapshot.Git()
    assert taken.command == ("tane", "run")


def test_a_git_that_hangs_is_left_alone(repository, write, monkeypatch):
    fake = write({"bin/git": "#!/bin/sh\nexec sleep 60\n"}) / "bin"
    (fake / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:{os.environ['PATH']}")
    monkeypatch.setattr(snapshot, "_STATUS_SECONDS", 0.05)
    assert state(repository) == snapshot.Git()


def test_who_and_where_are_known(shop):
    taken = snapshot.take(shop, [shop / "src"], shop / "conf")
    assert taken.host and taken.user and taken.python.startswith("3.")


def test_a_patch_of_text_reads_as_text():
    assert patches.adding("a.py", b"x\ny") == (
        b"diff --git a/a.py b/a.py\nnew file mode 100644\n--- /dev/null\n+++ b/a.py\n"
        b"@@ -0,0 +1,2 @@\n+x\n+y\n\\ No newline at end of file\n"
    )
