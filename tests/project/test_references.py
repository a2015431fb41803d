from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane import errors
from tane.project import references

PARAMETERS = {"import": {"path": "data/a.csv", "rows": 10, "columns": ["x", "y"]}, "year": 2024, "none": None}


def fill(**entries):
    return references.fill(entries, PARAMETERS, lambda keys: f"catalog.yml:{len(keys)}")


def test_a_reference_alone_takes_the_parameter_as_it_is():
    filled = fill(a={"filepath": "${params:import.path}", "load_args": {"nrows": "${params:import.rows}"}})
    assert filled == {"a": {"filepath": "data/a.csv", "load_args": {"nrows": 10}}}


def test_references_within_text_are_written_out():
    assert fill(a={"filepath": "${params:year}/${params:import.rows}.csv"}) == {"a": {"filepath": "2024/10.csv"}}


def test_lists_are_filled_too():
    assert fill(a=["${params:import.columns}", 1]) == {"a": [["x", "y"], 1]}


def test_every_unknown_parameter_is_named_with_its_place():
    with pytest.raises(errors.CatalogError) as caught:
        fill(a={"filepath": "${params:import.pth}"}, b={"filepath": "x${params:nowhere}"})
    text = str(caught.value)
    assert "catalog.yml:2: a.filepath: there is no parameter 'import.pth'" in text
    assert "did you mean 'import.path'?" in text
    assert "b.filepath: there is no parameter 'nowhere'" in text


@pytest.mark.parametrize("key", ["import", "import.columns", "none"])
def test_what_is_no_plain_value_cannot_stand_within_text(key):
    with pytest.raises(errors.CatalogError, match="cannot stand within text"):
        fill(a=f"x${{params:{key}}}")


@pytest.mark.parametrize("text", ["${params:year", "${params:{name}.path}"])
def test_what_only_looks_like_a_reference_is_a_mistake(text):
    with pytest.raises(errors.CatalogError, match="not a reference"):
        fill(a=text)


plain = st.recursive(
    st.none() | st.integers() | st.text().filter(lambda text: "${params:" not in text),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), plain))
def test_entries_without_references_stay_as_they_are(entries):
    assert references.fill(entries, {}, lambda keys: "") == entries


@pytest.mark.parametrize("text", ["${_base}/a.csv", "${globals:base}/a.csv", "${params:year}/${base}/a.csv"])
def test_a_path_with_a_reference_of_another_kind_is_refused(text):
    with pytest.raises(errors.CatalogError, match="is not a reference to a parameter"):
        fill(a={"filepath": text})


def test_other_texts_may_have_such_signs():
    assert fill(a={"sql": "select '${x}'"}) == {"a": {"sql": "select '${x}'"}}
