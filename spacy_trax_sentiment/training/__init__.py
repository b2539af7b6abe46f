"""Labelled texts to weights."""

from .corpora import LabelledText, read_labelled_texts, split_held_out
from .evaluation import Evaluation, evaluate, evaluate_pipeline, predict
from .loop import PRESETS, Settings, train
from .progress import Progress

__all__ = [
    "PRESETS",
    "Evaluation",
    "LabelledText",
    "Progress",
    "Settings",
    "evaluate",
    "evaluate_pipeline",
    "predict",
    "read_labelled_texts",
    "split_held_out",
    "train",
]
