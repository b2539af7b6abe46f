"""Labelled texts to weights.

- `run.py`: the whole story, for the console and for Python.
- `labelled.py`: a labelled text, a corpus of them, and their Docs.
- `corpora.py`: sources of labelled texts, and the split into texts to train on and held-out ones.
- `templates.py`, `composition.py`, `target_templates.py`: sources of generated sentences.
- `soft_labels.py`, `target_texts.py`, `json_rows.py`: rows with probabilities, and with targets.
- `recipes.py`: mixtures of sources, with settings.
- `stored.py`: texts and ids that do not fit into memory.
- `settings.py`: how to train.
- `batches.py`: batches of ids, balanced, shuffled or weighted.
- `trax_loop/`: Trax's Loop.
- `progress.py`, `tensorboard.py`: what is reported during training.
- `checkpoints.py`: interrupted runs resume from these.
- `calibration.py`: a temperature for the trained weights.
"""
