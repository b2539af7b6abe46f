"""Labelled texts to weights."""
