"""`tane config show` and `tane config diff`."""

import pytest


def test_all_of_it_is_shown_as_yaml(tiny):
    told = tiny.tane("config", "show")
    assert told.code == 0
    assert told.out.startswith("parameters:\n  scale: 2.0\n  model:\n    rate: 0.5\ncatalog:\n  table:\n")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["model"], "model:\n  rate: 0.5\n"),
        (["model.rate"], "rate: 0.5\n"),
        (["model.rate", "model.rate=0.1"], "rate: 0.1\n"),
        (["scale", "--env", "staging"], "scale: 3.0\n"),
        (["catalog.table.type"], "type: json.JSONDataset\n"),
        (["table.type", "--section", "catalog"], "type: json.JSONDataset\n"),
        (["--section", "parameters"], "scale: 2.0\nmodel:\n  rate: 0.5\n"),
        (["--section", "run"], ""),
    ],
)
def test_a_part_is_shown_under_its_name(tiny, words, shown):
    told = tiny.tane("config", "show", *words)
    assert (told.code, told.out) == (0, shown)


def test_origins_say_file_and_line_of_each_value(tiny):
    told = tiny.tane("config", "show", "--section", "parameters", "--env", "staging", "--origin", "model.rate=0.1")
    assert told.out.splitlines() == [
        "scale       3.0  conf/staging/parameters.yml:1",
        "model.rate  0.1  command line model.rate=0.1",
    ]


def test_json_for_programs(tiny):
    assert tiny.tane("config", "show", "model", "--json").json == {"rate": 0.5}
    assert tiny.tane("config", "show", "model.rate", "--json").json == 0.5
    assert tiny.tane("config", "show", "model", "--json", "--origin").json == {
        "parameters.model.rate": {"value": 0.5, "origin": "conf/base/parameters.yml:3"}
    }


def test_secrets_are_shown_to_nobody(tiny):
    tiny.write("conf/local/credentials.yml", "db: {user: scott, password: tiger}\n")
    tiny.write(
        "conf/base/catalog.yml",
        "table: {type: json.JSONDataset, filepath: 'ftp://scott:tiger@host/x.json', credentials: {password: tiger}}\n",
    )
    for words in ([], ["--origin"], ["--json"], ["credentials.db"], ["catalog.table.credentials.password"]):
        told = tiny.tane("config", "show", *words)
        assert told.code == 0
        assert "***" in told.out and "tiger" not in told.out and "scott" not in told.out


def test_a_parameter_of_a_sections_name_comes_first(tiny):
    tiny.write("conf/base/parameters.yml", "catalog: {table: 1}\nscale: 1\n")
    assert tiny.tane("config", "show", "catalog.table").out == "table: 1\n"
    assert tiny.tane("config", "show", "catalog.table.type").out == "type: json.JSONDataset\n"


def test_unknown_keys_and_sections_offer_the_nearest(tiny):
    told = tiny.tane("config", "show", "model.rat")
    assert told.code == 2 and "did you mean 'model.rate'?" in told.err
    told = tiny.tane("config", "show", "--section", "katalog")
    assert told.code == 2 and "did you mean 'catalog'?" in told.err


def test_configuration_that_does_not_compose_is_an_error(tiny):
    tiny.write("conf/base/parameters.yml", "scale: [1\n")
    assert tiny.tane("config", "show").code == 2


def test_no_code_is_imported_unless_overrides_need_it(tiny):
    tiny.write("src/tiny/nodes.py", "1 / 0\n")
    assert tiny.tane("config", "show").code == 0


def test_two_environments_are_compared(tiny):
    tiny.write("conf/staging/catalog.yml", "extra: {type: json.JSONDataset, filepath: data/x.json}\n")
    told = tiny.tane("config", "diff", "base", "staging")
    assert [line.split() for line in told.out.splitlines()] == [
        ["base", "staging"],
        ["catalog.extra.filepath", "-", "data/x.json"],
        ["catalog.extra.type", "-", "json.JSONDataset"],
        ["scale", "2.0", "3.0"],
    ]
    known = tiny.tane("config", "diff", "staging", "base", "--section", "parameters", "--json").json
    assert known["differences"] == [{"key": "scale", "first": 3.0, "second": 2.0}]


def test_environments_that_are_alike_are_said_to_be(tiny):
    assert tiny.tane("config", "diff", "base", "base").out == "base and base compose to the same values\n"


def test_secrets_are_compared_and_not_shown(tiny):
    tiny.write("conf/base/credentials.yml", "db: {password: tiger, user: scott}\n")
    tiny.write("conf/staging/credentials.yml", "db: {password: lion, user: scott}\n")
    told = tiny.tane("config", "diff", "base", "staging", "--section", "credentials")
    assert told.out.splitlines()[1:] == ["credentials.db.password  ***   ***"]


def test_an_unknown_environment_offers_the_nearest(tiny):
    told = tiny.tane("config", "diff", "base", "stagin")
    assert told.code == 2 and "did you mean 'staging'?" in told.err
