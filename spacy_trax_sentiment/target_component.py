"""The spaCy component `trax_target_sentiment`: it sets `doc.spans["targets"]` to spans, each with its sentiment."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.pipeline.spancat import SpanCategorizer
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from .errors import Errors, SentimentError
from .explanation.doc_extension import OF_TARGET, record_scored, register_component, target_sentiment_of
from .explanation.target_sentiment import TargetSentiment, most_probable
from .model.custom_layer import begin_layer_update
from .model.files import model_from_files
from .model.inputs import doc_batches_with, doc_tokens, set_vocabulary
from .model.parameters import set_label_prior
from .model.targets import target_model, target_probabilities, target_rows
from .model.thinc_model import Classifier
from .pretrained import lacks_target_head
from .pretrained_pipe import PretrainedPipe, negative_log_likelihood
from .text.arrays import Array, Ragged
from .text.sentiment_terms import SentimentTerms
from .text.target_spans import TargetSpans
from .text.word_pieces import TokenSpans

DEFAULT_MODEL = {
    "@architectures": "spacy_trax_sentiment.Encoder.v1",
    "preprocessor": {"@misc": "spacy_trax_sentiment.WordPieces.v1"},
    "width": 128,
    "n_blocks": 2,
    "n_heads": 2,
    "feed_forward_width": 512,
    "frozen_embedding": False,
    "target_head": True,
}


@Language.factory(
    "trax_target_sentiment",
    assigns=["doc.spans"],
    default_config={
        "model": DEFAULT_MODEL,
        "pretrained": "en_trf",
        "restrict_labels": None,
        "spans_key": "targets",
        "sources": ["ents", "noun_chunks", "patterns"],
        "patterns": [],
        "scorer": {"@scorers": "spacy_trax_sentiment.TargetScorer.v1"},
    },
    default_score_weights={"target_macro_f": 1.0, "target_acc": 0.0, "spans_targets_f": None},
)
def make_trax_target_sentiment(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    pretrained: str | Path | None,
    restrict_labels: list[str] | None,
    spans_key: str,
    sources: list[str],
    patterns: list[Any],
    scorer: Callable[..., Any] | None,
) -> "TraxTargetSentiment":
    """Make the component. `nlp.add_pipe("trax_target_sentiment", config={...})` calls this.

    Args:
        nlp: The pipeline.
        name: The component's name.
        model: The Thinc model, an `Encoder.v1` with `target_head`, to train if there are no weights.
        pretrained: Weights to start with, whatever `model` says: `en_trf`, `en_auto` (which cannot be trained), or the
            directory of a pipeline or component that was trained on targets. None for a blank component to train.
        restrict_labels: The labels to keep, at least two, as for `trax_sentiment`. None for all.
        spans_key: The key in `doc.spans` of the spans with their labels.
        sources: The sources of the spans: "ents", the entities; "noun_chunks", if the Doc is parsed and its language
            has them; "patterns"; and "spans", those that are in `doc.spans[spans_key]` already.
        patterns: Phrases, in upper or lower case, and token patterns, as spaCy's `Matcher` takes them, for the source
            "patterns". Either may stand in a dict, as for spaCy's `EntityRuler`.
        scorer: The scorer of `nlp.evaluate`.

    Raises:
        SentimentError: A setting cannot be used, or the weights have no target head.
    """
    suggester = TargetSpans(nlp.vocab, nlp.tokenizer, sources, patterns, spans_key)
    component = TraxTargetSentiment(nlp.vocab, model, suggester, name, spans_key=spans_key, scorer=scorer)
    path = component.prepare(nlp, pretrained, restrict_labels)
    if path is not None and lacks_target_head(path, name):
        raise SentimentError(Errors.S200)
    return component


class TraxTargetSentiment(PretrainedPipe, SpanCategorizer):  # type: ignore[misc]
    """A span categorizer for exclusive labels: what the text says of each span, by an encoder with a target head."""

    suggester: Any

    def __init__(
        self,
        vocab: Vocab,
        model: Model[Any, Any],
        suggester: TargetSpans,
        name: str = "trax_target_sentiment",
        *,
        spans_key: str = "targets",
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(vocab, model, suggester, name, spans_key=spans_key, max_positive=1, scorer=scorer)
        register_component(self, OF_TARGET)

    def predict(self, docs: Iterable[Doc]) -> tuple[list[TokenSpans], Ragged]:
        """Return each Doc's spans to judge, and their probabilities, float32 (n_spans, n_labels)."""
        self.require_weights()
        docs = list(docs)
        spans = list(map(self.suggester.spans, docs))
        return spans, self._scores(docs, spans)

    def set_annotations(self, docs: Iterable[Doc], indices_scores: tuple[Sequence[TokenSpans], Ragged]) -> None:
        """Set `doc.spans[spans_key]` to the spans with their labels; `attrs["scores"]` holds their probabilities."""
        docs, (places, scores) = list(docs), indices_scores
        record_scored(docs, self, OF_TARGET)
        for doc, of_doc, rows in zip(docs, places, scores.split(), strict=True):
            ids = {(span.start, span.end): (span.kb_id, span.id) for span in doc.spans.get(self.key, ())}
            spans = []
            for place, row in zip(of_doc, rows.tolist(), strict=True):
                label, (kb_id, span_id) = most_probable(self.labels, row) or "", ids.get(place, (0, 0))
                spans.append(Span(doc, *place, label, kb_id=kb_id, span_id=span_id))
            doc.spans[self.key] = SpanGroup(doc, name=self.key, attrs={"scores": rows.copy()}, spans=spans)

    def explain(self, span: Span) -> TargetSentiment:
        """Return what a text says of a span by this component's model, whichever component scored the Doc."""
        return target_sentiment_of(span, self)

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Return the scores of examples with predictions: see `make_target_scorer`."""
        found: dict[str, Any] = super().score(list(examples), judge=self._judged, **settings)
        return found

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from the gold spans of a batch of examples, like spaCy's `SpanCategorizer.update`."""
        self.require_trainable()
        self.require_weights()
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "TraxTargetSentiment.update")
        ids, truths = self._to_learn(examples)
        if not ids:
            return losses
        set_dropout_rate(self.model, drop)
        scores, backprop = begin_layer_update(self.model, Ragged.of(ids))
        loss, d_scores = negative_log_likelihood(truths, scores)
        backprop(d_scores)
        if sgd is not None:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def get_loss(self, examples: Iterable[Example], spans_scores: Any) -> tuple[float, Any]:
        """Return the negative log-likelihood of the gold spans' labels, and its gradient (n_spans, n_labels).

        A span without a label or without a piece of a word, such as white space, has no row.
        """
        return negative_log_likelihood(self._to_learn(list(examples))[1], spans_scores)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        """Prepare for training: take the labels of the gold spans and the preprocessor's vocabulary; draw weights.

        Pretrained weights and their vocabulary are kept, to be trained further; the labels must then be theirs.
        `labels` are those to tell apart; None for those of the examples.
        """
        self.require_trainable()
        validate_get_examples(get_examples, "TraxTargetSentiment.initialize")
        spans = (span for eg in get_examples() for span in eg.reference.spans.get(self.key, ()))
        counts = Counter(span.label_ for span in spans if span.label_)
        found = list(counts if labels is None else labels)
        if self._pretrained:
            self.require_own(found)
            return
        target_model(self.model)
        for label in found:
            self.add_label(label)
        if len(self.labels) < 2:
            raise SentimentError(Errors.S210.format(key=self.key, labels=", ".join(self.labels) or "none"))
        set_vocabulary(self.model, (eg.reference for eg in get_examples()))
        self.model.set_dim("nO", len(self.labels))
        self.model.initialize()
        set_label_prior(self.model, [counts[label] for label in self.labels])

    def _read(self, read: Callable[[str], bytes], where: str | Path) -> tuple[Model[Any, Any], dict[str, Any]]:
        # The files bring their architecture, whatever the config says, unless the model is in use.
        model = self.model if self.model.attrs["vocabulary"] else Classifier(SentimentTerms())
        model, cfg = model_from_files(model, read, where)
        target_model(model)
        return model, {**cfg, "spans_key": self.key}

    def _scores(self, docs: Sequence[Doc], spans: Sequence[TokenSpans]) -> Ragged:
        """Return the probabilities of each Doc's spans, float32 (n_spans, n_labels)."""
        found, model = [np.empty((0, len(self.labels)), dtype=np.float32)], target_model(self.model)
        for batch, of_batch in doc_batches_with(docs, spans):
            found.append(target_probabilities(model, doc_tokens(model, batch), of_batch).values)
        return Ragged(np.concatenate(found), np.array(list(map(len, spans)), dtype=np.int64))

    def _judged(self, docs: Sequence[Doc], spans: Sequence[TokenSpans]) -> list[list[str]]:
        """Return the label of each span of Docs."""
        rows = self._scores(docs, spans).split()
        return [[most_probable(self.labels, row) or "" for row in of_doc.tolist()] for of_doc in rows]

    def _to_learn(self, examples: Sequence[Example]) -> tuple[list[Array], Array]:
        """Return the ids to train on, a row for each gold span, and the rows' labels, one-hot (n_rows, n_labels)."""
        gold = [[span for span in self._get_aligned_spans(eg) if span.label_] for eg in examples]
        places = [[(span.start, span.end) for span in spans] for spans in gold]
        ids, columns = [], []
        for doc, target, row in target_rows(self.model, [eg.predicted for eg in examples], places):
            label = gold[doc][target].label_
            if label not in self.labels:
                raise SentimentError(Errors.S209.format(key=self.key, value=label, labels=", ".join(self.labels)))
            ids.append(row)
            columns.append(self.labels.index(label))
        return ids, np.eye(len(self.labels), dtype=np.float32)[columns]
