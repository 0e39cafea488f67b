"""What became of calls: how often each setting succeeded on each kind of call, and what it cost."""
