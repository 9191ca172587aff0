"""How the store's tables came to be, step by step; ``Store.open`` upgrades to the newest."""
