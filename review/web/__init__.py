"""The room over HTTP: pages, forms, pictures. All rules are in ``review`` itself."""
