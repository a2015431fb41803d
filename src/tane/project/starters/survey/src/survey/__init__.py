"""{{ name }}: the quality of wines, from what a laboratory measures."""
