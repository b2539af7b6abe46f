"""Predictions to figures and pages.

- `measures.py`: true labels and predictions to single figures
- `figures.py`: a model and labelled texts to an `Evaluation`, which holds all figures
- `comparison.py`: two evaluations of the same texts to their differences
- `words.py`: a model to its strongest words
- `plots.py`: an evaluation to SVG plots (needs matplotlib, from the extra `train`)
- `report.py`, `template.html`: all of these to one HTML page
- `mentions.py`: words to the mentions of them in texts
- `aspects.py`: rows of texts to what they express toward targets, summarized
- `aspects_page.py`, `aspects.html`: these summaries to a table and an HTML page
"""
