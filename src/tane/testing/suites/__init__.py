"""Suites of tests to subclass: what every dataset, hook and executor must do, whoever wrote it."""
