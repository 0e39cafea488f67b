"""Answers that are given again instead of asking anew, and what tells which may be."""
