"""Whole tool results, kept so that what was left out can be read back."""
