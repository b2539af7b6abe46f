"""Texts to their entities, each with what the text expresses toward it."""

from collections.abc import Sequence
from typing import Any

from spacy.language import Language

from ..errors import Errors, SentimentError
from ..explanation.target_sentiment import TargetSentiment
from ..model.inputs import doc_batches, doc_tokens
from ..model.targets import target_model, target_probabilities
from ..pipelines import find_component
from ..tables.rows import text_or_none
from ..text.cleaning import without_surrogates
from .chunk_tokenizer import tokenized


def require_entities(nlp: Language) -> None:
    """Raise SentimentError unless a pipeline can score targets and has a component that finds entities."""
    target_model(find_component(nlp).model)
    for name, pipe in nlp.pipeline:
        if "doc.ents" in nlp.get_pipe_meta(name).assigns or getattr(pipe, "annotate_ents", False):
            return
    raise SentimentError(Errors.S214.format(pipeline=", ".join(nlp.pipe_names)))


def entity_targets(nlp: Language, texts: Sequence[str | None]) -> list[list[dict[str, Any]] | None]:
    """Return the entities of each text, None in a row without a text.

    An entity is a dict of its `text`, `start` and `end` (characters), `label` (its type), and of `sentiment`,
    `probability` and `probabilities`, which are those of `span._.target_sentiment`.
    """
    component = find_component(nlp)
    model, labels = target_model(component.model), component.labels
    found: list[list[dict[str, Any]]] = []
    with nlp.memory_zone():  # or the vocabulary would grow with each new word
        ours = [name for name, pipe in nlp.pipeline if pipe is component]
        made = (tokenized(nlp.tokenizer, without_surrogates(text or "")) for text in texts)  # of any length
        for batch in doc_batches(nlp.pipe(made, disable=ours)):
            spans = [[(ent.start, ent.end) for ent in doc.ents] for doc in batch]
            scores = target_probabilities(model, doc_tokens(model, batch), spans).split()
            for doc, of_doc in zip(batch, scores, strict=True):
                pairs = zip(doc.ents, of_doc.tolist(), strict=True)
                found.append([_entity(ent, TargetSentiment(labels, tuple(row))) for ent, row in pairs])
    return [None if text_or_none(text) is None else entities for text, entities in zip(texts, found, strict=True)]


def _entity(ent: Any, sentiment: TargetSentiment) -> dict[str, Any]:
    return {
        "text": ent.text,
        "start": ent.start_char,
        "end": ent.end_char,
        "label": ent.label_,
        "sentiment": sentiment.label,
        "probability": None if sentiment.probability is None else round(sentiment.probability, 6),
        "probabilities": {label: round(each, 6) for label, each in sentiment.probabilities.items()},
    }
