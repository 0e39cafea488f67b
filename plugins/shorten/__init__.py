"""Tool results made shorter by what they are: pure functions of text."""
