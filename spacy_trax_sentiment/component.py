"""The spaCy component: `nlp.add_pipe("trax_sentiment")` sets `doc.cats` to one probability per label."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
from spacy.errors import Errors as SpacyErrors
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Floats2d

from .errors import SentimentError
from .explanation.doc_extension import record_scored, register_component, sentiment_of
from .explanation.sentiment import Sentiment
from .model.inputs import doc_batches, set_terms, set_vocabulary
from .model.parameters import set_label_prior
from .pretrained_pipe import PretrainedPipe, negative_log_likelihood

DEFAULT_MODEL = Config().from_str(
    """
    [model]
    @architectures = "spacy_trax_sentiment.Classifier.v1"
    embedding_dim = 32
    hidden_width = 0
    mean = "masked"

    [model.preprocessor]
    @misc = "spacy_trax_sentiment.SentimentTerms.v1"
    """
)["model"]

_UNWEIGHTED_SCORES = (
    *("cats_score_desc", "cats_micro_p", "cats_micro_r", "cats_micro_f", "cats_macro_p", "cats_macro_r"),
    *("cats_macro_f", "cats_macro_auc", "cats_f_per_type"),
)


@Language.factory(
    "trax_sentiment",
    assigns=["doc.cats"],
    default_config={
        "model": DEFAULT_MODEL,
        "pretrained": "en",
        "restrict_labels": None,
        "threshold": 0.0,
        "tokenizer_cache_size": 100_000,
        "scorer": {"@scorers": "spacy.textcat_scorer.v2"},
    },
    default_score_weights={"cats_score": 1.0, **dict.fromkeys(_UNWEIGHTED_SCORES)},
)
def make_trax_sentiment(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Floats2d],
    pretrained: str | Path | None,
    restrict_labels: list[str] | None,
    threshold: float,
    tokenizer_cache_size: int | None,
    scorer: Callable[..., Any] | None,
) -> "TraxSentiment":
    """Make the component. `nlp.add_pipe("trax_sentiment", config={...})` calls this.

    Args:
        nlp: The pipeline.
        name: The component's name.
        model: The Thinc model: `spacy_trax_sentiment.Classifier.v1`, `Encoder.v1`, `TraxLayer.v1` or `Cascade.v1`.
        pretrained: Weights to start with, whatever `model` says: `en` (labels negative, positive), `en_ternary` (with
            neutral, too), `en_trf` (an encoder, the same three labels) or `en_auto` (a cascade of the last two); or the
            directory of a pipeline or of its component. None for a blank component to train.
        restrict_labels: The labels to keep, at least two of those of the weights. Their probabilities then sum to 1,
            and the component cannot be trained. None for all.
        threshold: Unused, as in spaCy's `textcat`, because the labels exclude each other.
        tokenizer_cache_size: The least size of the cache of spaCy's tokenizer, in chunks; 100,000 take some 20 MB.
            spaCy's 10,000 are soon used up, which is slow. None leaves the tokenizer as it is.
        scorer: The scorer of `nlp.evaluate`.
    """
    if tokenizer_cache_size is not None and isinstance(nlp.tokenizer, Tokenizer):
        nlp.tokenizer.max_cache_size = max(nlp.tokenizer.max_cache_size, tokenizer_cache_size)
    component = TraxSentiment(nlp.vocab, model, name, threshold=threshold, scorer=scorer)
    component.prepare(nlp, pretrained, restrict_labels)
    return component


class TraxSentiment(PretrainedPipe, TextCategorizer):  # type: ignore[misc]
    """A text categorizer for exclusive labels whose model is a Trax classifier."""

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Floats2d],
        name: str = "trax_sentiment",
        *,
        threshold: float = 0.0,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(vocab, model, name, threshold=threshold, scorer=scorer)
        register_component(self)

    @property
    def _rehearsal_model(self) -> Any:
        # `nlp.resume_training` looks for this attribute, and then copies the model, which must have its weights.
        self.load_pending()
        return self._rehearsed

    @_rehearsal_model.setter
    def _rehearsal_model(self, value: Any) -> None:
        self._rehearsed = value

    def predict(self, docs: Iterable[Doc]) -> Floats2d:
        """Return probabilities, float32 (n_docs, n_labels). Each row sums to 1, for an empty Doc, too."""
        self.require_weights()
        scores = [self.model.predict(batch) for batch in doc_batches(docs)] or [self.model.predict([])]
        return cast(Floats2d, np.concatenate(scores))

    def set_annotations(self, docs: Iterable[Doc], scores: Any) -> None:
        """Set `doc.cats` of each Doc to its row of the scores, (n_docs, n_labels), as floats."""
        docs, labels = list(docs), self.labels
        record_scored(docs, self)
        for doc, row in zip(docs, np.asarray(scores).tolist(), strict=True):
            doc.cats.update(zip(labels, row, strict=True))

    def explain(self, target: Doc | Span) -> Sentiment:
        """Return the sentiment of a Doc or Span by this component's model, whichever component scored the Doc."""
        return sentiment_of(target, self)

    def update(self, examples: Iterable[Example], **settings: Any) -> dict[str, float]:
        """Learn from a batch of examples. The settings are those of spaCy's `TextCategorizer.update`."""
        self.require_trainable()
        return super().update(list(examples), **settings)

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """Return the negative log-likelihood of the examples' labels, and its gradient (n_examples, n_labels)."""
        examples = list(examples)
        validate_examples(examples, "TraxSentiment.get_loss")
        self._validate_categories(examples)
        return negative_log_likelihood(self._examples_to_truth(examples)[0], scores)

    def rehearse(self, examples: Iterable[Example], **settings: Any) -> dict[str, float]:
        """Learn as spaCy's `TextCategorizer.rehearse`. Raises SentimentError if the component is restricted."""
        self.require_trainable()
        return super().rehearse(examples, **settings)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Iterable[str] | None = None,
        positive_label: str | None = None,
        vocabulary: list[str] | None = None,
        min_count: int = 1,
        max_size: int | None = None,
    ) -> None:
        """Prepare for training: take labels and vocabulary from the examples, and draw random weights.

        Pretrained weights and their vocabulary are kept, to be trained further; the labels must then be theirs.

        Args:
            get_examples: Returns the examples.
            nlp: The pipeline.
            labels: The labels; None for those of the examples.
            positive_label: The label that counts as positive, one of two, as in spaCy's `textcat`; None for neither.
            vocabulary: The terms to know, as in a saved model's `vocabulary.json`; None for those of the examples.
            min_count: Leave out terms that occur less often in the examples.
            max_size: The most terms to keep, those that occur most; None for all.

        Raises:
            SentimentError: The component is restricted, the labels are not those of the pretrained weights, or a
                setting cannot be used.
        """
        self.require_trainable()
        validate_get_examples(get_examples, "TraxSentiment.initialize")
        if self._pretrained:
            self._keep_pretrained(get_examples, labels)
            if positive_label is not None and positive_label not in self.labels:
                raise SentimentError(SpacyErrors.E920.format(pos_label=positive_label, labels=self.labels))
            if positive_label is not None and len(self.labels) != 2:
                raise SentimentError(SpacyErrors.E919.format(pos_label=positive_label, labels=self.labels))
            self.cfg["positive_label"] = positive_label
            return
        set_vocabulary(self.model, (example.reference for example in get_examples()), min_count, max_size)
        if vocabulary is not None:
            set_terms(self.model, vocabulary)
        super().initialize(get_examples, nlp=nlp, labels=labels, positive_label=positive_label)
        counts = Counter(label for eg in get_examples() for label, value in eg.reference.cats.items() if value == 1)
        set_label_prior(self.model, [counts[label] for label in self.labels])

    def _keep_pretrained(self, get_examples: Callable[[], Iterable[Example]], labels: Iterable[str] | None) -> None:
        self._validate_categories(get_examples())
        found = list(labels) if labels is not None else [cat for eg in get_examples() for cat in eg.reference.cats]
        self.require_own(found)
