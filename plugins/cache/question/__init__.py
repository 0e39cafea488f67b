"""What a question says, read word by word with tables of four languages, so that two can be compared."""
