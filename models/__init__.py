"""Known before a photo arrives: forms, rules, regions, records, the store, the recognisers."""
