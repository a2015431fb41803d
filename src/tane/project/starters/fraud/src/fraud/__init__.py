"""Find fraudulent card transactions."""
