"""Fixtures of Tane: `tiny_run` runs a pipeline in a folder of the test, `catalog` loads and saves its data there."""

pytest_plugins = ["tane.testing"]
