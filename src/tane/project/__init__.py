"""Finds the root, opens the parts, hands them over as one frozen record."""
