"""A door for plain scripts: configuration, overrides and a tracked run around a main function."""
