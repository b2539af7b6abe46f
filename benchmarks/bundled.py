"""Load our pipelines: from a directory, or with the bundled weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language


def load_ours(path: Path | None, config: Mapping[str, Any] | None = None) -> Language:
    """Return the pipeline in a directory, or one with our component and these settings if `path` is None."""
    if path is not None:
        return spacy.load(path)
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config=dict(config or {}))
    return nlp
