"""The ledger: photos, uploads, readings, entries, runs and conflicts. Nothing is overwritten."""
