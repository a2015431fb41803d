"""A shop, for the tests of the fixtures."""
