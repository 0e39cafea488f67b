"""What to switch on first, measured on recorded runs."""
