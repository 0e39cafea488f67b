"""Recorded runs of agents, sent through the plugins again."""
