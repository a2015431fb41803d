"""Errors say what, where and what to do; several mistakes are told together; they cross process borders whole."""

import pickle

import pytest

from tane import errors


def tree(kind=errors.TaneError):
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


CODES = {
    errors.UserCodeError: 1,
    errors.UsageError: 2,
    errors.ConfigError: 2,
    errors.PipelineError: 2,
    errors.CatalogError: 2,
    errors.ProjectError: 2,
    errors.MissingExtraError: 2,
    errors.RefusedError: 3,
    errors.PlaceError: 4,
    errors.StoreError: 4,
    errors.LedgerError: 4,
    errors.InterruptedRun: 130,
}


@pytest.mark.parametrize(("kind", "code"), CODES.items(), ids=lambda v: getattr(v, "__name__", v))
def test_each_kind_has_its_exit_code(kind, code):
    assert kind.exit_code == code


def test_the_drawing_of_the_tree_is_complete():
    for kind in tree():
        assert kind.__name__ in errors.__doc__ or kind.__module__ != "tane.errors"


def test_one_fault_reads_as_a_sentence_with_a_hint():
    error = errors.ConfigError("unknown key 'a'", where="conf/base/x.yml:3", hint="did you mean 'b'?")
    assert str(error) == "conf/base/x.yml:3: unknown key 'a'\n  hint: did you mean 'b'?"


def test_several_faults_are_told_together():
    error = errors.ConfigError.of([errors.Fault("one", "x", "do a"), errors.Fault("two", "y", "do b")], "2 things")
    assert str(error) == "2 things:\n- x: one\n  hint: do a\n- y: two\n  hint: do b"


def test_a_single_fault_of_many_reads_as_itself():
    assert str(errors.ConfigError.of([errors.Fault("one", "x", "do a")], "things")) == "x: one\n  hint: do a"


@pytest.mark.parametrize(
    "error",
    [
        errors.UserCodeError("a", hint="b", where="c", traceback="d"),
        errors.CorruptObjectError("f" * 64),
        errors.PipelineError.of([errors.Fault("one"), errors.Fault("two")]),
    ],
)
def test_an_error_survives_pickling(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.__dict__ == error.__dict__


def test_near_misses_are_offered_whatever_the_case():
    assert errors.nearest("Featurs", ["features", "model"]) == "features"
    assert errors.nearest("zzz", ["features"]) is None
    assert errors.did_you_mean("zzz", ["a"], "there is: a") == "there is: a"
