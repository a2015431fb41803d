"""A door for notebooks: magics, what a project holds at hand, cells turned into nodes."""
