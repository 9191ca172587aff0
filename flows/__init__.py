"""Arranges pipeline steps over many photos: the Prefect flows and the command line."""
