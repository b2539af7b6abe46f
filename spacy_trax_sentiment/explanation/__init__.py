"""Scores to contributions: each token's part of a label's log-odds, as arrays, HTML or terminal text."""
