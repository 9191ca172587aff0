"""A new form without code: from a blank sheet to a data file, and the proof that it is read."""
