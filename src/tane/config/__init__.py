"""Layers of conf/ files composed into values that know the file and line they came from."""
