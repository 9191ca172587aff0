"""What happens to a photo: pure typed steps from bytes to conflicts."""
