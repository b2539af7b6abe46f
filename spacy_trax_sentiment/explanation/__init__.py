"""Scores to explanations: what each token contributes to each label, as arrays, HTML or terminal text.

contributions.py: a Doc to what its tokens add, alone and in pairs.
integrated_gradients.py: the same for a layer that does not fold.
style.py: the style sheet.
fragment.py: a sentiment to a fragment of HTML.
sentiment.py: contributions to a `Sentiment`; the sentiments by both models of a cascade to one.
target_sentiment.py: what a Doc expresses toward spans of it.
doc_extension.py: `doc._.sentiment` and `span._.sentiment`.
html.py: `render`, as displaCy has it.
terminal.py: sentiments to lines for a terminal.
"""
