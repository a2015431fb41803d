"""A hard CSV of the real world: decimal commas, German dates, empty columns and rows, -200 for "nothing"."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tane import errors

EXCERPT = Path(__file__).parent / "data" / "air_quality.csv"
COLUMNS = ["Date", "Time", "CO(GT)", "NMHC(GT)", "C6H6(GT)", "T", "RH", "AH"]
ARGS = {
    "sep": ";",
    "decimal": ",",
    "usecols": COLUMNS,
    "na_values": [-200],
    "parse_dates": ["Date"],
    "date_format": "%d/%m/%Y",
}


@pytest.fixture
def air(dataset, tmp_path):
    shutil.copy(EXCERPT, tmp_path / "air.csv")

    def read(**args):
        return dataset(type="pandas.CSVDataset", filepath="air.csv", load_args=args).read(tmp_path / "air.csv")

    return read


def test_it_is_read_as_it_is_meant(air):
    table = air(**ARGS, skipfooter=12)
    assert len(table) == 190 and list(table) == COLUMNS
    assert table["Date"].iloc[[0, -1]].tolist() == [pd.Timestamp(2004, 3, 10), pd.Timestamp(2004, 3, 18)]
    assert table["C6H6(GT)"].iloc[0] == 11.9 and table["AH"].iloc[0] == 0.7578
    assert table["CO(GT)"].isna().sum() > 0 and table[["T", "RH", "AH"]].min().min() > 0


def test_skipped_rows_at_the_head_are_skipped(air):
    table = air(**{**ARGS, "skiprows": range(1, 7), "skipfooter": 12})
    assert len(table) == 184 and table["Time"].iloc[0] == "00.00.00"


def test_the_rows_at_the_end_are_empty_unless_they_are_skipped(air):
    assert air(**ARGS)["T"].isna().sum() == 12


def test_in_chunks_it_is_the_same(air):
    whole = air(**ARGS).dropna(how="all")
    chunks = list(air(**ARGS, dtype={"Time": "str"}, chunksize=50))  # the last chunk has no time to guess it from
    assert [len(chunk) for chunk in chunks] == [50, 50, 50, 50, 2]
    pd.testing.assert_frame_equal(pd.concat(chunks).dropna(how="all"), whole)


@pytest.mark.parametrize(
    ("args", "what", "hint"),
    [
        ({"parse_dates": ["Day"]}, "parse_dates names columns that the file does not have: 'Day'", "sep"),
        ({"parse_dates": [["Date", "Time"]]}, "parse_dates cannot put several columns together", "node"),
        ({"parse_dates": {"at": ["Date", "Time"]}}, "parse_dates cannot put several columns together", "node"),
        ({"usecols": ["Date", "C6H6"]}, "usecols names columns that the file does not have: 'C6H6'", "sep"),
        ({"usecols": ["Date"], "sep": ","}, "usecols names columns that the file does not have: 'Date'", "sep"),
        ({"index_col": "Day"}, "index_col names 'Day'", "load_args"),
        ({"decimal": "comma"}, "pandas cannot take the load_args: Only length-1", "load_args"),
        ({"engine": "pythn"}, "no engine 'pythn'", "did you mean 'python'?"),
        ({"dtype": {"T": "flaot"}}, "data type 'flaot' not understood", "load_args"),
        ({"skip_footer": 12}, "no option 'skip_footer'", "did you mean 'skipfooter'?"),
        ({"date_fromat": "x"}, "no option 'date_fromat'", "did you mean 'date_format'?"),
        ({"skipfooter": 12, "chunksize": 50}, "'skipfooter' not supported for iteration", "load_args"),
    ],
)
def test_a_wrong_option_is_told_as_a_mistake_of_the_entry(air, args, what, hint):
    with pytest.raises(errors.CatalogError) as raised:
        air(**{**ARGS, **args})
    assert what in raised.value.what and hint in raised.value.hint
    assert raised.value.where.startswith("conf/base/catalog.yml")


def test_the_decimal_comma_is_not_guessed(air):
    table = air(**{**ARGS, "decimal": "."})
    assert table["C6H6(GT)"].iloc[0] == "11,9"  # as pandas has it: nothing is changed behind one's back
