"""Which model a call goes to."""
