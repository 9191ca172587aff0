"""Forms as data, in millimetres: one JSON file a form, and the code that checks and draws it."""
