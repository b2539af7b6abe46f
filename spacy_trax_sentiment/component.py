"""The spaCy component: `nlp.add_pipe("trax_sentiment")` sets `doc.cats` to one probability a label."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy.errors import Errors as SpacyErrors
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate
from thinc.types import Floats2d

from .errors import Errors, SentimentError
from .explanation.doc_extension import register_extensions, remember_component, sentiment_of
from .explanation.sentiment import Sentiment
from .model.files import model_from_files, model_to_files
from .model.thinc_model import has_weights, lexeme_cache, row_probabilities, set_label_prior, set_vocabulary
from .pretrained import find_model, known_models, pretrained_labels, pretrained_path
from .storage.sealed import reader
from .text.lexeme_cache import doc_orths, orths_to_rows
from .text.token_preprocessor import TokenPreprocessor
from .text.vocabulary import number_terms

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

# Docs that a processor's cache holds.
_CACHED_DOCS = 128

# One at a time, whichever component's: they are few, and a lock of its own could not be copied.
_LOADING = threading.Lock()

register_extensions()


@Language.factory(
    "trax_sentiment",
    assigns=["doc.cats"],
    default_config={
        "model": DEFAULT_MODEL,
        "pretrained": "en",
        "threshold": 0.0,
        "tokenizer_cache_size": 100_000,
        "scorer": {"@scorers": "spacy.textcat_scorer.v2"},
    },
    default_score_weights={
        "cats_score": 1.0,
        "cats_score_desc": None,
        "cats_micro_p": None,
        "cats_micro_r": None,
        "cats_micro_f": None,
        "cats_macro_p": None,
        "cats_macro_r": None,
        "cats_macro_f": None,
        "cats_macro_auc": None,
        "cats_f_per_type": None,
    },
)
def make_trax_sentiment(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Floats2d],
    pretrained: str | Path | None,
    threshold: float,
    tokenizer_cache_size: int | None,
    scorer: Callable[..., Any] | None,
) -> "TraxSentiment":
    """Make the component; spaCy calls this.

    pretrained: Weights to start with: `en`, of the labels negative and positive, or `en_ternary`, with neutral too,
        which the package carries; or a path: a pipeline directory that holds a `trax_sentiment` component, or that
        component's own directory. None for a blank component to train.
    threshold: Unused, as in spaCy's `textcat`: the labels exclude each other.
    tokenizer_cache_size: The chunks that spaCy's own tokenizer may remember, where it would remember fewer; some 20 MB.
        Its 10,000 are soon full, and all others are then tokenized anew each time, which takes longer than all else.
        None leaves the tokenizer as it is.
    """
    if tokenizer_cache_size is not None and isinstance(nlp.tokenizer, Tokenizer):
        nlp.tokenizer.max_cache_size = max(nlp.tokenizer.max_cache_size, tokenizer_cache_size)
    component = TraxSentiment(nlp.vocab, model, name, threshold=threshold, scorer=scorer)
    if pretrained is not None:
        component.use_pretrained(pretrained)
    return component


class TraxSentiment(TextCategorizer):
    """A text categorizer for exclusive labels whose model is a Trax classifier."""

    _pretrained = False
    # Where weights are to be loaded from, once they are needed.
    _pending: Path | None = None

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
        remember_component(self)

    def use_pretrained(self, name: str | Path) -> None:
        """Take labels, vocabulary and weights from where `name` says, once they are needed.

        spaCy makes a saved pipeline's component before it reads the weights that were saved. Then there is no need of
        others, which would take time, or may be on another machine.
        """
        self._pending = pretrained_path(name)

    @property
    def labels(self) -> tuple[str, ...]:  # type: ignore[override]
        """The labels, in the order of the scores."""
        # spaCy asks for them as it loads a pipeline, when weights that wait to be needed are not yet.
        return tuple(self.cfg["labels"] if self._pending is None else pretrained_labels(self._pending, self.name))  # type: ignore[arg-type]

    @property
    def _rehearsal_model(self) -> Any:
        # `nlp.resume_training` asks for it, and then copies the model.
        self.load_pending()
        return self._rehearsed

    @_rehearsal_model.setter
    def _rehearsal_model(self, value: Any) -> None:
        self._rehearsed = value

    def load_pending(self) -> None:
        """Load pretrained weights that wait to be needed. Raises SentimentError where they are absent or damaged."""
        if self._pending is None:
            return
        with _LOADING:
            path = self._pending
            if path is None:  # another thread was quicker
                return
            found = find_model(path, self.name)
            if found is None:
                raise SentimentError(Errors.S036.format(path=path, known=known_models(path)))
            self._pretrained = True
            self.from_disk(found, exclude=["vocab"])

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream of Docs. YIELDS: The Docs, in order."""
        self.require_weights()
        if not isinstance(self.model.attrs["preprocessor"], TokenPreprocessor):
            yield from super().pipe(stream, batch_size=batch_size)
            return
        on_error = self.get_error_handler()
        # Small batches, and each Doc's tokens read as it comes, while both are in the processor's cache.
        stream_and_orths = ((doc, doc_orths(doc)) for doc in stream)
        for batch in minibatch(stream_and_orths, min(batch_size, _CACHED_DOCS)):  # type: ignore[no-untyped-call]
            docs, orths = map(list, zip(*batch, strict=True))
            try:
                memory = lexeme_cache(self.model)
                # A component sourced from another pipeline has that one's strings.
                rows, lengths = orths_to_rows(memory, orths, docs[0].vocab.strings)
                self.set_annotations(docs, row_probabilities(self.model, memory, rows, lengths))
                yield from docs
            except Exception as error:
                on_error(self.name, self, docs, error)

    def predict(self, docs: Iterable[Doc]) -> Floats2d:
        """RETURNS: float32 probabilities (n_docs, n_labels), each row summing to 1, for empty docs too.

        Raises spaCy's own ValueError E109 where the component is not initialized.
        """
        self.require_weights()
        scores: Floats2d = self.model.predict(list(docs))
        return scores

    def set_annotations(self, docs: Iterable[Doc], scores: Any) -> None:
        """Set `doc.cats` of each Doc to its row of the scores, floats."""
        labels = self.labels
        for doc, row in zip(docs, np.asarray(scores).tolist(), strict=True):
            doc.cats.update(zip(labels, row, strict=True))

    def explain(self, target: Doc | Span) -> Sentiment:
        """RETURNS: What `target._.sentiment` is, by this component's model, where there are several."""
        return sentiment_of(target, self)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """As spaCy's, which looks at each example's labels once more, before `get_loss` does."""
        self.load_pending()
        examples = list(examples)
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, "TraxSentiment.update")
        if not any(len(example.predicted) for example in examples):
            self._validate_categories(examples)
            return losses
        set_dropout_rate(self.model, drop)
        scores, backprop = self.model.begin_update([example.predicted for example in examples])
        loss, d_scores = self.get_loss(examples, scores)
        backprop(d_scores)
        if sgd is not None:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def add_label(self, label: str) -> int:
        """As spaCy's."""
        self.load_pending()
        return int(super().add_label(label))

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """Find the negative log-likelihood of the examples' labels, averaged over the examples as Trax's Loop does.

        examples: The batch of examples.
        scores: The predicted probabilities, (n_examples, n_labels).
        RETURNS: The loss, and scores minus truth over the number of examples. Through the log-softmax that is the
            loss's exact gradient, as the scores' own part passes through it as zero; so an example without a label
            has neither loss nor gradient.
        """
        examples = list(examples)
        validate_examples(examples, "TraxSentiment.get_loss")
        self._validate_categories(examples)
        truths, _ = self._examples_to_truth(examples)
        likelihood = np.clip(scores, np.finfo(np.float32).tiny, None)
        n_examples = max(len(examples), 1)
        loss = -(truths * np.log(likelihood)).sum() / n_examples
        return float(loss), (scores - truths) / n_examples

    def _examples_to_truth(self, examples: Iterable[Example]) -> tuple[Any, Any]:
        # As spaCy's, which asks each Example four times for its labels.
        cats = [example.reference.cats for example in examples]
        labels = self.labels
        values = (of_text.get(label, 0.0) for of_text in cats for label in labels)
        truths = np.fromiter(values, np.float32, len(cats) * len(labels)).reshape(len(cats), len(labels))
        return truths, np.ones_like(truths)

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
        """Prepare for training: labels and vocabulary from the examples, random weights.

        Pretrained weights are kept, to train on from, with their vocabulary; the labels must then be the same.

        labels: The labels; None means those of the examples.
        vocabulary: The terms to know, such as a saved model's `vocabulary.json` holds; None means the examples'.
        min_count: Leave out terms that occur less often in the examples.
        max_size: The most terms to keep, those that occur most; None means all.

        Raises SentimentError where the labels are not those of the pretrained weights, or a setting cannot be used.
        """
        self.load_pending()
        validate_get_examples(get_examples, "TraxSentiment.initialize")
        if self._pretrained:
            self._keep_pretrained(get_examples, labels)
            self.cfg["positive_label"] = positive_label
            return
        if min_count < 1:
            raise SentimentError(Errors.S021.format(name="min_count", value=min_count, wanted="a number of at least 1"))
        if max_size is not None and max_size < 1:
            raise SentimentError(Errors.S021.format(name="max_size", value=max_size, wanted="a number of at least 1"))
        set_vocabulary(self.model, (example.reference for example in get_examples()), min_count, max_size)
        if vocabulary is not None:
            self.model.attrs["vocabulary"] = _checked_vocabulary(vocabulary)
        super().initialize(get_examples, nlp=nlp, labels=labels, positive_label=positive_label)
        counts = Counter(label for eg in get_examples() for label, value in eg.reference.cats.items() if value == 1)
        set_label_prior(self.model, [counts[label] for label in self.labels])

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the model's files into a directory, the manifest last, so that half a model is never taken for one."""
        self.load_pending()
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        if "vocab" not in exclude:
            self.vocab.to_disk(path / "vocab", exclude=exclude)
        for name, data in model_to_files(self.model, self.cfg).items():
            (path / name).write_bytes(data)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "TraxSentiment":
        """Raises SentimentError, naming the file, where one is missing, damaged or of a newer format."""
        path = Path(path)
        self._load(reader(path), path)
        if "vocab" not in exclude and (path / "vocab").is_dir():
            self.vocab.from_disk(path / "vocab", exclude=exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """RETURNS: The model's files, as msgpack."""
        self.load_pending()
        content: dict[str, Any] = {"files": model_to_files(self.model, self.cfg)}
        if "vocab" not in exclude:
            content["vocab"] = self.vocab.to_bytes(exclude=exclude)
        return bytes(srsly.msgpack_dumps(content))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "TraxSentiment":
        """Raises SentimentError as `from_disk` does."""
        content = srsly.msgpack_loads(bytes_data)
        self._load(content["files"].__getitem__, "the bytes")
        if "vocab" not in exclude and "vocab" in content:
            self.vocab.from_bytes(content["vocab"], exclude=exclude)
        return self

    def _load(self, read: Callable[[str], bytes], where: str | Path) -> None:
        self.cfg.update(model_from_files(self.model, read, where))
        # What is read takes the place of what was to be loaded. Not before, as another thread may be waiting for it.
        self._pending = None

    def require_weights(self) -> None:
        """Raises SentimentError where the pretrained weights are absent, spaCy's ValueError E109 if there are none."""
        self.load_pending()
        if not has_weights(self.model):
            raise ValueError(SpacyErrors.E109.format(name=self.name))

    def _keep_pretrained(self, get_examples: Callable[[], Iterable[Example]], labels: Iterable[str] | None) -> None:
        self._validate_categories(get_examples())
        found = list(labels) if labels is not None else [cat for eg in get_examples() for cat in eg.reference.cats]
        for label in found:
            if label not in self.labels:
                raise SentimentError(Errors.S037.format(labels=", ".join(self.labels), value=label))


def _checked_vocabulary(terms: Any) -> dict[str, int]:
    if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms) or len(set(terms)) < len(terms):
        raise SentimentError(Errors.S025.format(value=repr(terms)[:60]))
    return number_terms(terms)
