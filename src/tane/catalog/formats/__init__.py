"""The file formats of our own dataset types, one small class each."""
