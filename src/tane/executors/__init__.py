"""Run a submitted call somewhere and give back its result. Records nothing."""
