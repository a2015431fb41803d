from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tane import errors
from tane.project import logs, starters

FILE = {
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "logs/run.log", "formatter": "line"}},
    "loggers": {"shop.quiet": {"level": "ERROR"}},
    "root": {"level": "INFO", "handlers": ["file"]},
}


def where(*keys):
    return "conf/base/logging.yml:" + ".".join(keys)


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The root logger, which is as before when a test is over."""
    found = logging.getLogger()
    before = list(found.handlers), found.level
    yield found
    assert (list(found.handlers), found.level) == before


def test_logging_is_as_the_section_says_for_as_long_as_it_lasts(tmp_path, root):
    with logs.configured(FILE, tmp_path, where):
        logging.getLogger("shop").info("one")
        logging.getLogger("shop.quiet").warning("two")
    logging.getLogger("shop").error("three")
    assert (tmp_path / "logs/run.log").read_text() == "INFO shop one\n"
    assert logging.getLogger("shop.quiet").level == logging.NOTSET


def test_nothing_said_changes_nothing(tmp_path, root):
    before = list(root.handlers), root.level
    with logs.configured({}, tmp_path, where):
        assert (list(root.handlers), root.level) == before


def test_loggers_made_before_go_on_working(tmp_path):
    early = logging.getLogger("made_before")
    with logs.configured(FILE, tmp_path, where):
        early.warning("still here")
    assert "made_before still here" in (tmp_path / "logs/run.log").read_text()


def test_what_the_body_raises_passes_and_logging_is_put_back(tmp_path):
    with pytest.raises(KeyError), logs.configured(FILE, tmp_path, where):
        raise KeyError


def test_a_section_may_be_used_again(tmp_path):
    for _ in range(2):
        with logs.configured(FILE, tmp_path, where):
            logging.getLogger("shop").warning("again")
    assert (tmp_path / "logs/run.log").read_text() == "WARNING shop again\n" * 2
    assert FILE["handlers"]["file"]["filename"] == "logs/run.log"


@pytest.mark.parametrize(
    ("section", "message", "place"),
    [
        ({"handlers": {"h": {"class": "logging.Nothing"}}}, "handler 'h'", "logging.handlers.h"),
        ({"root": {"handlers": ["missing"]}}, "root logger", "logging"),
        ({"version": 2}, "Unsupported version", "logging"),
        ({"root": {"level": "LOUD"}}, "LOUD", "logging"),
        ({"handlers": 3}, "logging cannot be set up", "logging"),
    ],
)
def test_a_section_that_does_not_fit_says_where(tmp_path, section, message, place):
    with pytest.raises(errors.ConfigError, match=message) as caught, logs.configured(section, tmp_path, where):
        pass
    assert caught.value.where == f"conf/base/logging.yml:{place}"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(errors.ConfigError, match="cannot make"), logs.configured(FILE, tmp_path, where):
        pass


def test_the_example_of_a_new_project_fits(tmp_path, capsys):
    import yaml

    made = starters.new("shop", tmp_path / "shop")
    section = yaml.safe_load((made / "conf/base/logging.yml").read_text())
    with logs.configured(section, made, where):
        logging.getLogger("shop").warning("seen")
        logging.getLogger("shop").info("not here")
    said = capsys.readouterr().err
    assert "WARNING shop: seen" in said and "not here" not in said
