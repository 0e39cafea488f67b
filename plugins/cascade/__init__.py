"""Cheap first: an answer is checked, and goes up a tier where it fails."""
