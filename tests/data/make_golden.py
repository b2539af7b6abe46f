"""Make the golden model of the current format version: `python tests/data/make_golden.py`, once per version."""

import json
from pathlib import Path

from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.storage.sealed import FORMAT_VERSION
from spacy_trax_sentiment.training.run import train
from spacy_trax_sentiment.training.settings import Settings

TEXTS = ["good food, lovely place", "awful, never again", "not bad at all", "slow but friendly :-)", "the table", ""]


def main() -> None:
    words = {"positive": "good lovely friendly great nice", "negative": "awful slow bad never sad"}
    rows = [
        (f"{word} {thing}", label)
        for label, listed in words.items()
        for word in listed.split()
        for thing in ("food", "place", "table", "film :-)" if label == "positive" else "film :-(")
    ]
    settings = Settings(steps=60, embedding_dim=2, bigram_buckets=16, batch_size=8)
    texts, labels = zip(*rows, strict=True)
    nlp = train(texts, labels, dev=(texts, labels), settings=settings).nlp
    directory = Path(__file__).parent / "golden" / f"v{FORMAT_VERSION}"
    directory.parent.mkdir(exist_ok=True)
    find_component(nlp).to_disk(directory, exclude=["vocab"])
    expected = {text: nlp(text).cats for text in TEXTS}
    directory.with_suffix(".json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
