"""Independent readings of one field: cells in, an answer with probabilities out."""
