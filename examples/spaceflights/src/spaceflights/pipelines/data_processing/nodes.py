"""Texts become numbers and truth values, and three tables become one."""

import pandas as pd


def type_companies(companies: pd.DataFrame) -> pd.DataFrame:
    """Ratings as shares of one, approvals as truth values."""
    return companies.assign(
        company_rating=_share(companies["company_rating"]),
        iata_approved=_truth(companies["iata_approved"]),
    )


def type_shuttles(shuttles: pd.DataFrame) -> pd.DataFrame:
    """Prices as numbers, checks as truth values."""
    return shuttles.assign(
        price=shuttles["price"].str.replace(r"[$,]", "", regex=True).astype(float),
        d_check_complete=_truth(shuttles["d_check_complete"]),
        moon_clearance_complete=_truth(shuttles["moon_clearance_complete"]),
    )


def join(shuttles: pd.DataFrame, companies: pd.DataFrame, reviews: pd.DataFrame) -> pd.DataFrame:
    """A row for each shuttle of which everything is known."""
    rated = shuttles.merge(reviews, left_on="id", right_on="shuttle_id").drop(columns="id")
    return rated.merge(companies, left_on="company_id", right_on="id").dropna().reset_index(drop=True)


def _truth(column: pd.Series) -> pd.Series:
    return column == "t"


def _share(column: pd.Series) -> pd.Series:
    return column.str.removesuffix("%").astype(float) / 100
