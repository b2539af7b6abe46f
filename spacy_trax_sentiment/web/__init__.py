"""The web: a page to try sentiment on, and the JSON endpoint behind it."""
