"""The parties that stood in an election, as data: one JSON file an election year."""
