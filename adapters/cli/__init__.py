"""The `leanloop` command."""
