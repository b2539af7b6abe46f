"""Labelled texts to weights."""

from .corpora import LabelledText, read_labelled_texts, split_held_out
from .evaluation import Evaluation, evaluate, evaluate_pipeline, predict
from .loop import train
from .progress import Progress
from .settings import PRESETS, Settings

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
