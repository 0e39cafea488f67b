"""Cognitive tools: separate calls of the same model, which it decides to use."""
