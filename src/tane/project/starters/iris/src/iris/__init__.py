"""{{ name }}: three species of iris told apart."""
