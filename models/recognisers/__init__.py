"""Trained readers of small pictures, each with its card."""
