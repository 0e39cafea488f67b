"""What an answer must pass before it is taken; one gate a file."""
