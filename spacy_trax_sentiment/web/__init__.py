"""A pipeline to a page and JSON over HTTP."""
