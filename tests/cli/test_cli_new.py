"""`tane new`."""


def test_a_new_project_is_made_and_the_next_steps_told(empty):
    told = empty.tane("new", "my-project", "--package", "mine")
    assert told.code == 0
    assert (empty.root / "my-project/src/mine/pipeline_registry.py").is_file()
    assert "  cd my-project\n" in told.out and "  tane run\n" in told.out


def test_the_starters_are_listed(empty):
    assert [line.split()[0] for line in empty.tane("new", "--list").out.splitlines()] == ["blank", "fraud"]


def test_json_says_what_was_made(empty):
    made = empty.tane("new", "Shop", "place", "--json").json
    assert made == {"name": "Shop", "root": str(empty.root / "place"), "package": "shop", "starter": "blank"}


def test_without_a_name_it_says_how(empty):
    told = empty.tane("new")
    assert told.code == 2
    assert "hint: tane new my_project" in told.err


def test_an_unknown_starter_offers_the_nearest(empty):
    told = empty.tane("new", "shop", "--starter", "frud")
    assert told.code == 2
    assert "did you mean 'fraud'?" in told.err
    assert not (empty.root / "shop").exists()
