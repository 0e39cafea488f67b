"""What may be spent: limits, ledger, stores, tokens, prices, budget files."""
