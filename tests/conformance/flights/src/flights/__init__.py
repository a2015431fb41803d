"""Kedro's tutorial in small, run by Kedro and by Tane: prices of flights to the moon."""
