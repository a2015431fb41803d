"""Nodes and graph as pure description: algebra, selection, drawing. No I/O."""
