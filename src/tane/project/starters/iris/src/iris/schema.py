"""The columns of a table of flowers."""

MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SPECIES = "species"
