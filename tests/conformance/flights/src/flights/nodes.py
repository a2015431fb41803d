"""The functions: they know neither Kedro nor Tane."""

import numpy
import pandas


def clean_companies(companies):
    """Ratings as numbers, approval as truth."""
    made = companies.copy()
    made["company_rating"] = made["company_rating"].str.rstrip("%").astype(float) / 100
    made["iata_approved"] = made["iata_approved"] == "t"
    return made


def clean_shuttles(shuttles):
    """Prices as numbers, checks as truth."""
    made = shuttles.copy()
    made["price"] = made["price"].str.replace("[$,]", "", regex=True).astype(float)
    for name in ("d_check_complete", "moon_clearance_complete"):
        made[name] = made[name] == "t"
    return made


def joined(shuttles, companies, reviews):
    """One table of all three, without gaps."""
    rated = shuttles.merge(reviews, left_on="id", right_on="shuttle_id").drop(columns="shuttle_id")
    table = rated.merge(companies, left_on="company_id", right_on="id", suffixes=("", "_of_company"))
    return table.dropna().reset_index(drop=True)


def split(table, share):
    """The first rows to learn from, the others to test with."""
    cut = round(len(table) * share)
    return {"learn": table.iloc[:cut], "test": table.iloc[cut:]}


def fit(learn, features):
    """The coefficients of a linear model."""
    matrix = numpy.column_stack([numpy.ones(len(learn)), learn[features].astype(float)])
    found = numpy.linalg.lstsq(matrix, learn["price"].to_numpy(), rcond=None)[0]
    return {"features": features, "coefficients": [round(float(one), 6) for one in found]}


def judge(model, test):
    """How far the model is off."""
    first, *others = model["coefficients"]
    guessed = first + test[model["features"]].astype(float).to_numpy() @ numpy.array(others)
    errors = numpy.abs(guessed - test["price"].to_numpy())
    return {"rows": len(test), "mean": round(float(errors.mean()), 4), "most": round(float(errors.max()), 4)}


def ratings(table):
    """Mean ratings by type of shuttle."""
    return table.groupby("shuttle_type", as_index=False)["review_scores_rating"].mean().round(3)


def lines(text):
    """How long each line is."""
    return {"lines": [len(line) for line in text.splitlines()], "name": "ratings"}


def by_type(table):
    """What each type costs; made when it is written."""

    def figures(part):
        return lambda: {"rows": len(part), "price": float(part["price"].sum())}

    return {kind.replace(" ", "_"): figures(part) for kind, part in table.groupby("shuttle_type")}


def sizes(parts):
    """How many there are of each type."""
    return "".join(f"{name}: {load()['rows']}\n" for name, load in sorted(parts.items()))


def scores(reviews, everything):
    """The scores chunk by chunk."""
    for chunk in reviews:
        yield chunk.loc[:, ["shuttle_id", "review_scores_rating"]].head(everything["chunk"] - 1)


def prices(table):
    """What a flight costs."""
    return table.loc[:, ["id", "shuttle_type", "price"]].sort_values("id")


def report(model_input, cheap, dear):
    """The figures of both models on a sheet, the dearest flights on another."""
    figures = pandas.DataFrame([{"area": "cheap", **cheap}, {"area": "dear", **dear}])
    return {"Figures": figures, "Dearest": model_input.nlargest(5, ["price", "id"])[["id", "price"]]}
