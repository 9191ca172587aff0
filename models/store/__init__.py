"""The embedded store: the ledger of what was read, reported and found."""
