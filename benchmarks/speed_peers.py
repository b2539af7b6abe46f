"""Make what `speed.py` compares: trained pipelines, functions that score texts, and programs that score one text."""

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import spacy
from measuring import Score
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from spacy.language import Language
from spacy.training import Example
from spacytextblob.spacytextblob import SpacyTextBlob  # noqa: F401 (registers its factory)
from textblob import TextBlob
from thinc.api import fix_random_seed
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from spacy_trax_sentiment import TextScorer, load
from spacy_trax_sentiment.bulk.chunk_cache import MAX_CHUNKS
from spacy_trax_sentiment.pretrained import pretrained_path
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.training.labelled import LabelledText


class Contender(NamedTuple):
    """A contender to time.

    Attributes:
        score: Scores texts.
        cache: How many chunks between white space it may remember the tokens of, in words.
    """

    score: Score
    cache: str = "none"


BARE, BLANK, OURS, SCORER = "blank, no plug-in installed", "blank: tokens only", "ours: nlp.pipe", "ours: TextScorer"
BLANK_CACHE = "blank, the same cache as ours"
VADER, TEXTBLOB, SPACYTEXTBLOB = "VADER", "TextBlob", "spacytextblob"
BOW, TEXTCAT = "spaCy TextCatBOW", "spaCy textcat"

TEXTCATS: dict[str, dict[str, Any]] = {
    BOW: {
        "model": {
            "@architectures": "spacy.TextCatBOW.v3",
            "exclusive_classes": True,
            "ngram_size": 2,
            "no_output_layer": False,
        }
    },
    TEXTCAT: {},
}
_TEXTCAT_ROWS, _TEXTCAT_EPOCHS, _TEXTCAT_BATCH = 400, 2, 32

_LOAD = "import sys, spacy; spacy.load(sys.argv[1])('x')"
_PROGRAMS = {
    # Whenever spaCy makes a pipeline it imports every installed plug-in, also ours.
    BARE: "import spacy; spacy.registry._entry_point_factories.get_all = dict; spacy.blank('en')('x')",
    BLANK: "import spacy; spacy.blank('en')('x')",
    OURS: _LOAD,
    SCORER: "import sys; from spacy_trax_sentiment import TextScorer; TextScorer.load(sys.argv[1])(['x'])",
    VADER: "from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer as Analyzer;"
    "Analyzer().polarity_scores('x')",
    TEXTBLOB: "from textblob import TextBlob; TextBlob('x').sentiment",
    SPACYTEXTBLOB: "import spacy; from spacytextblob.spacytextblob import SpacyTextBlob;"
    "nlp = spacy.blank('en'); nlp.add_pipe('spacytextblob'); nlp('x')._.blob.sentiment",
    BOW: _LOAD,
    TEXTCAT: _LOAD,
}


def save_ours(model: str, folder: Path) -> Path:
    """Return the directory of a pipeline; save one first if it is the name of bundled weights."""
    if pretrained_path(model) == Path(model):
        return Path(model)
    load(model).to_disk(folder / "ours")
    return folder / "ours"


def train_textcats(texts: Sequence[LabelledText], folder: Path) -> dict[str, Path]:
    """Train spaCy's categorizers briefly, as speed needs no quality. Return their directories by name."""
    directories = {}
    for name, config in TEXTCATS.items():
        fix_random_seed(0)
        nlp = spacy.blank("en")
        nlp.add_pipe("textcat", config=config)
        step = max(len(texts) // _TEXTCAT_ROWS, 1)
        examples = [
            Example.from_dict(nlp.make_doc(text), {"cats": {each: float(each == label) for each in DEFAULT_LABELS}})
            for text, label in texts[::step]
        ]
        optimizer = nlp.initialize(lambda examples=examples: examples)  # type: ignore[misc]
        for _ in range(_TEXTCAT_EPOCHS):
            for start in range(0, len(examples), _TEXTCAT_BATCH):
                nlp.update(examples[start : start + _TEXTCAT_BATCH], sgd=optimizer)
        directories[name] = folder / name.replace(" ", "_")
        nlp.to_disk(directories[name])
    return directories


def contenders(model: Path, textcats: Mapping[str, Path]) -> dict[str, Contender]:
    """Return everything that scores texts, by name."""
    blob_nlp = spacy.blank("en")
    blob_nlp.add_pipe("spacytextblob")
    return {
        BLANK: piped(spacy.blank("en")),
        BLANK_CACHE: piped(blank_with_cache()),
        OURS: piped(spacy.load(model)),
        SCORER: scorer(model),
        VADER: Contender(vader()),
        TEXTBLOB: Contender(lambda texts: [TextBlob(text).sentiment for text in texts]),
        # Its pipe only wraps the text. The sentiment is computed when it is read.
        SPACYTEXTBLOB: piped(blob_nlp)._replace(
            score=lambda texts: [doc._.blob.sentiment for doc in blob_nlp.pipe(texts)]
        ),
        **{name: piped(spacy.load(directory)) for name, directory in textcats.items()},
    }


def blank_with_cache() -> Language:
    """Return a pipeline that only tokenizes, with the tokenizer cache that our component sets."""
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": None})
    nlp.remove_pipe("trax_sentiment")
    return nlp


def piped(nlp: Language) -> Contender:
    tokenizer: Any = nlp.tokenizer
    return Contender(lambda texts: deque(nlp.pipe(texts), maxlen=0), f"{tokenizer.max_cache_size:,}")


def scorer(model: Path) -> Contender:
    return Contender(TextScorer.load(model), f"{MAX_CHUNKS:,}, its own")


def vader() -> Score:
    analyzer = SentimentIntensityAnalyzer()
    return lambda texts: [analyzer.polarity_scores(text) for text in texts]


def programs(model: Path, textcats: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return the commands that import, load and score one text, by name."""
    directories = {OURS: model, SCORER: model, **textcats}
    return {
        name: [sys.executable, "-c", code, *([str(directories[name])] if name in directories else [])]
        for name, code in _PROGRAMS.items()
    }


def requirements(name: str) -> set[str]:
    """Return the canonical names of a distribution and everything that it needs here without extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found.add(name)
        needed = map(Requirement, distribution(name).requires or [])
        waiting += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def installed_bytes(name: str) -> int:
    """Return the size of a distribution's files without byte code, which depends on what was run."""
    if name == "spacy-trax-sentiment":  # an editable install lists no modules
        return directory_bytes(Path(str(files("spacy_trax_sentiment"))))
    paths = (Path(str(file.locate())) for file in distribution(name).files or [] if file.suffix != ".pyc")
    return sum(path.stat().st_size for path in paths if path.is_file())


def directory_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file() and path.suffix != ".pyc")
