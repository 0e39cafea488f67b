"""Which effort a call is made with: thinking only where it pays."""
