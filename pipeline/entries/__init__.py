"""Reported numbers: files in, entries out."""
