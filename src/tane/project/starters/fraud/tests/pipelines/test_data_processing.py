import pandas as pd
import pytest
from fraud.pipelines.data_processing import nodes


def test_rows_are_numbered_by_their_place_in_the_file(transactions):
    checked = nodes.check_transactions(transactions.sample(frac=1, random_state=1))
    assert list(checked["row"]) == list(range(len(transactions)))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda table: table.drop(columns=["V3", "Amount"]), "V3, Amount"),
        (lambda table: table.assign(colour=1), "colour"),
        (lambda table: table.assign(V7=None), "V7"),
        (lambda table: table.assign(V8="x"), "V8"),
        (lambda table: table.assign(Class=2), "Class must be 0 or 1"),
        (lambda table: table.head(0), "no rows"),
    ],
)
def test_a_table_of_another_layout_is_refused_and_its_columns_named(transactions, spoil, named):
    with pytest.raises(ValueError, match=named):
        nodes.check_transactions(spoil(transactions))


@pytest.mark.parametrize("method", ["time", "random"])
def test_every_row_lands_in_exactly_one_part(transactions, parameters, method):
    checked = nodes.check_transactions(transactions)
    parts = nodes.split_transactions(checked, {**parameters["split"], "method": method})
    assert sorted(pd.concat(parts)["row"]) == list(range(len(checked)))


def test_a_split_in_time_holds_out_the_latest(transactions, parameters):
    checked = nodes.check_transactions(transactions)
    train, validation, holdout = nodes.split_transactions(checked, {**parameters["split"], "method": "time"})
    assert max(train["Time"].max(), validation["Time"].max()) < holdout["Time"].min()


def test_a_random_split_repeats_and_follows_its_seed(transactions, parameters):
    checked = nodes.check_transactions(transactions)
    split = {**parameters["split"], "method": "random"}
    first, again, other = (
        list(nodes.split_transactions(checked, each)[2]["row"]) for each in (split, split, {**split, "seed": 1})
    )
    assert first == again != other


def test_a_random_split_keeps_the_share_of_frauds(transactions, parameters):
    checked = nodes.check_transactions(transactions)
    holdout = nodes.split_transactions(checked, {**parameters["split"], "method": "random"})[2]
    assert holdout["Class"].sum() == 0.2 * transactions["Class"].sum()


@pytest.mark.parametrize("method", ["time", "random"])
def test_duplicates_stay_together(transactions, parameters, method):
    twice = pd.concat([transactions, transactions]).sort_values("Time", kind="stable")
    parts = nodes.split_transactions(nodes.check_transactions(twice), {**parameters["split"], "method": method})
    seen = [set(part.drop(columns=["row", "Class"]).itertuples(index=False, name=None)) for part in parts]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])


def test_an_unknown_method_names_the_choices(transactions, parameters):
    with pytest.raises(ValueError, match="time, random"):
        nodes.split_transactions(nodes.check_transactions(transactions), {**parameters["split"], "method": "magic"})


def test_a_part_without_frauds_is_refused(transactions, parameters):
    checked = nodes.check_transactions(transactions.assign(Class=0))
    with pytest.raises(ValueError, match="no frauds"):
        nodes.split_transactions(checked, parameters["split"])
