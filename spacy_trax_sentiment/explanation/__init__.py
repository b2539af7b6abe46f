"""Scores to explanations: what each token contributes to each label, as arrays, HTML or terminal text."""
