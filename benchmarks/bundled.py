"""Our pipelines: from a directory, or with the weights that ship with the package."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language


def load_ours(path: Path | None, config: Mapping[str, Any] | None = None) -> Language:
    """RETURNS: The pipeline of the directory; without one, our component as it is added with the settings."""
    if path is not None:
        return spacy.load(path)
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config=dict(config or {}))
    return nlp
