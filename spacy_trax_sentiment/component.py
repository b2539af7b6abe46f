"""The spaCy component: `nlp.add_pipe("trax_sentiment")` sets `doc.cats` to one probability per label."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy.errors import Errors as SpacyErrors
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer
from thinc.types import Floats2d

from .errors import Errors, SentimentError
from .explanation.doc_extension import record_scored, register_component, sentiment_of
from .explanation.sentiment import Sentiment
from .model.cascade import is_cascade
from .model.files import model_from_files, model_to_files
from .model.inputs import set_terms, set_vocabulary
from .model.parameters import has_weights, set_label_prior
from .pretrained import check_language, pretrained_labels, pretrained_model, pretrained_path, well_spelt
from .restriction import RestrictableCategorizer
from .storage.sealed import reader

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

# One for all components: loading is rare, and a component with a lock of its own could not be copied.
_LOADING = threading.Lock()


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
        pretrained: Weights to start with. The package carries `en` (labels negative, positive), `en_ternary` (with
            neutral, too), `en_trf` (the same, by an encoder) and `en_auto` (by a cascade of both), whatever `model`
            says; or the directory of a pipeline or of its component. None for a blank component to train.
        restrict_labels: The labels to keep of the weights', at least two. The probabilities are then among these alone,
            and the component cannot be trained. None for all.
        threshold: Unused, as in spaCy's `textcat`, because the labels exclude each other.
        tokenizer_cache_size: The least size of the cache of spaCy's tokenizer, in chunks; 100,000 take some 20 MB.
            spaCy's 10,000 are soon used up, which is slow. None leaves the tokenizer as it is.
        scorer: The scorer of `nlp.evaluate`.
    """
    if tokenizer_cache_size is not None and isinstance(nlp.tokenizer, Tokenizer):
        nlp.tokenizer.max_cache_size = max(nlp.tokenizer.max_cache_size, tokenizer_cache_size)
    component = TraxSentiment(nlp.vocab, model, name, threshold=threshold, scorer=scorer)
    component.set_restriction(restrict_labels)
    pretrained = model.attrs.get("pretrained", pretrained)
    if pretrained is not None:
        # The weights of a saved pipeline are read next, and a cascade names its models itself.
        needs_check = "pretrained" not in model.attrs and name not in nlp._meta.get("components", ())
        component.use_pretrained(well_spelt(pretrained) if needs_check else pretrained)
    return component


class TraxSentiment(RestrictableCategorizer):
    """A text categorizer for exclusive labels whose model is a Trax classifier."""

    _pretrained = False
    _pending: Path | None = None  # the directory to load weights from once they are needed

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

    def use_pretrained(self, name: str | Path) -> None:
        """Take the labels of bundled weights or a path now, and the vocabulary and weights once they are needed.

        spaCy makes the component of a saved pipeline before it reads the saved weights. Other weights are then never
        needed; they would take time to load, and may be on another machine.
        """
        self._pending = pretrained_path(name)
        self.cfg["labels"] = pretrained_labels(self._pending, self.name)

    @property
    def _rehearsal_model(self) -> Any:
        # `nlp.resume_training` looks for this attribute, and then copies the model, which must have its weights.
        self.load_pending()
        return self._rehearsed

    @_rehearsal_model.setter
    def _rehearsal_model(self, value: Any) -> None:
        self._rehearsed = value

    def load_pending(self) -> None:
        """Load the pretrained weights, unless they are loaded. Raises SentimentError if they are missing or damaged."""
        if self._pending is None:
            return
        with _LOADING:
            path = self._pending
            if path is None:  # another thread was quicker
                return
            if is_cascade(self.model):
                self._load(model_to_files(self.model, self.cfg).__getitem__, path)
            else:
                found, self._pretrained = pretrained_model(path, self.name), True
                self.from_disk(found, exclude=["vocab"])

    def predict(self, docs: Iterable[Doc]) -> Floats2d:
        """Return probabilities, float32 (n_docs, n_labels). Each row sums to 1, for an empty Doc, too."""
        self.require_weights()
        scores: Floats2d = self.model.predict(list(docs))
        return scores

    def set_annotations(self, docs: Iterable[Doc], scores: Any) -> None:
        """Set `doc.cats` of each Doc to its row of the scores, (n_docs, n_labels), as floats."""
        docs, labels = list(docs), self.labels
        record_scored(docs, self)
        for doc, row in zip(docs, np.asarray(scores).tolist(), strict=True):
            doc.cats.update(zip(labels, row, strict=True))

    def explain(self, target: Doc | Span) -> Sentiment:
        """Return the sentiment of a Doc or Span by this component's model, whichever component scored the Doc."""
        return sentiment_of(target, self)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples, like spaCy's `TextCategorizer.update`."""
        self.require_trainable()
        return super().update(list(examples), drop=drop, sgd=sgd, losses=losses)

    def add_label(self, label: str) -> int:
        """Add a label to a component without weights, like spaCy's `TextCategorizer.add_label`."""
        self.require_trainable()
        self.cfg.setdefault("lang", self.vocab.lang)
        return int(super().add_label(label))

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """Return the negative log-likelihood of the examples' labels, averaged as in Trax's Loop, and its gradient.

        The gradient is (scores - truth) / n_examples, for predicted probabilities `scores` (n_examples, n_labels).
        Passed back through the log-softmax it is exact, because the scores' own part vanishes there; an example
        without a label has no gradient.
        """
        examples = list(examples)
        validate_examples(examples, "TraxSentiment.get_loss")
        self._validate_categories(examples)
        truths, _ = self._examples_to_truth(examples)
        likelihood = np.clip(scores, np.finfo(np.float32).tiny, None)
        n_examples = max(len(examples), 1)
        loss = -(truths * np.log(likelihood)).sum() / n_examples
        return float(loss), (scores - truths) / n_examples

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
            positive_label: As in spaCy's `textcat`.
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
            self.cfg["positive_label"] = positive_label
            return
        set_vocabulary(self.model, (example.reference for example in get_examples()), min_count, max_size)
        if vocabulary is not None:
            set_terms(self.model, vocabulary)
        super().initialize(get_examples, nlp=nlp, labels=labels, positive_label=positive_label)
        counts = Counter(label for eg in get_examples() for label, value in eg.reference.cats.items() if value == 1)
        set_label_prior(self.model, [counts[label] for label in self.labels])

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the model's files into a directory, the manifest last, so that half a model never passes for one."""
        self.load_pending()
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        if "vocab" not in exclude:
            self.vocab.to_disk(path / "vocab", exclude=exclude)
        for name, data in model_to_files(self.model, self.cfg).items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_bytes(data)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "TraxSentiment":
        """Load the model's files. Raises SentimentError, which names the file, if one is missing or damaged."""
        path = Path(path)
        self._load(reader(path), path)
        if "vocab" not in exclude and (path / "vocab").is_dir():
            self.vocab.from_disk(path / "vocab", exclude=exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Return the model's files as msgpack."""
        self.load_pending()
        content: dict[str, Any] = {"files": model_to_files(self.model, self.cfg)}
        if "vocab" not in exclude:
            content["vocab"] = self.vocab.to_bytes(exclude=exclude)
        return bytes(srsly.msgpack_dumps(content))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "TraxSentiment":
        """Load what `to_bytes` returned, like `from_disk`."""
        content = srsly.msgpack_loads(bytes_data)
        self._load(content["files"].__getitem__, "the bytes")
        if "vocab" not in exclude and "vocab" in content:
            self.vocab.from_bytes(content["vocab"], exclude=exclude)
        return self

    def _load(self, read: Callable[[str], bytes], where: str | Path) -> None:
        self.model, cfg = model_from_files(self.model, read, where)
        self.cfg.update(cfg)
        check_language(self.cfg, where, self.vocab.lang)
        self.apply_restriction()
        self._pending = None  # only now, because another thread may be waiting for the weights

    def require_weights(self) -> None:
        """Load the pretrained weights, or raise spaCy's ValueError E109 if there are none and none were trained."""
        self.load_pending()
        if not has_weights(self.model):
            raise ValueError(SpacyErrors.E109.format(name=self.name))

    def _keep_pretrained(self, get_examples: Callable[[], Iterable[Example]], labels: Iterable[str] | None) -> None:
        self._validate_categories(get_examples())
        found = list(labels) if labels is not None else [cat for eg in get_examples() for cat in eg.reference.cats]
        for label in found:
            if label not in self.labels:
                raise SentimentError(Errors.S037.format(labels=", ".join(self.labels), value=label))
