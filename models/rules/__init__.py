"""What must add up on a form: one three-valued rule a file."""
