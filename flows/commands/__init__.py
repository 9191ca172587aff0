"""The command line, one module a command.

These modules are imported for every ``chasil --help``: they import what is slow (OpenCV, the
recogniser, the database, Prefect) inside the commands that need it.
"""
