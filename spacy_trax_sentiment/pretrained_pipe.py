"""The common part of the components: weights that are loaded once they are needed, files, loss, restricted labels."""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy.errors import Errors as SpacyErrors
from spacy.language import Language
from spacy.vocab import Vocab
from thinc.api import Model

from .errors import Errors, SentimentError
from .model.cascade import is_cascade
from .model.columns import set_columns
from .model.files import model_from_files, model_to_files
from .model.parameters import has_weights
from .pretrained import check_language, columns_of, pretrained_labels, pretrained_model, pretrained_path, well_spelt
from .storage.sealed import reader

# One for all components: loading is rare, and a component with a lock of its own could not be copied.
_LOADING = threading.Lock()


class PretrainedPipe:
    """The part of a component that knows where its weights come from. It stands before a spaCy component among bases.

    The component may be restricted to some of its model's labels: it then has fewer, and can only predict.
    `cfg["labels"]` stays whole.
    """

    vocab: Vocab
    model: Model[Any, Any]
    name: str
    cfg: dict[str, Any]
    restrict_labels: tuple[str, ...] | None = None
    _pretrained = False
    _stored_dtype: str | None = None  # what the weights were stored as
    _pending: Path | None = None  # the directory to load weights from once they are needed

    def prepare(
        self, nlp: Language, pretrained: str | Path | None, restrict_labels: Sequence[str] | None
    ) -> Path | None:
        """Set the labels to keep and where the weights come from, as the factory's settings say.

        Returns:
            The directory of the weights; None if there are none, those of a saved pipeline are read next instead, or a
            cascade names its models itself.
        """
        self.set_restriction(restrict_labels)
        pretrained = self.model.attrs.get("pretrained", pretrained)
        if pretrained is None:
            return None
        needs_check = "pretrained" not in self.model.attrs and self.name not in nlp._meta.get("components", ())
        self.use_pretrained(well_spelt(pretrained) if needs_check else pretrained)
        return self._pending if needs_check else None

    def use_pretrained(self, name: str | Path) -> None:
        """Take the labels of bundled weights or a path now, and the vocabulary and weights once they are needed.

        spaCy makes the component of a saved pipeline before it reads the saved weights. Other weights are then never
        needed; they would take time to load, and may be on another machine.
        """
        self._pending = pretrained_path(name)
        self.cfg["labels"] = pretrained_labels(self._pending, self.name)

    def load_pending(self) -> None:
        """Load the pretrained weights, unless they are loaded. Raises SentimentError if they are missing or damaged."""
        if self._pending is None:
            return
        with _LOADING:
            path, wanted = self._pending, self.cfg.get("weights_dtype")
            if path is None:  # another thread was quicker
                return
            if is_cascade(self.model):
                self._load(model_to_files(self.model, self.cfg).__getitem__, path)
            else:
                found, self._pretrained = pretrained_model(path, self.name), True
                self.from_disk(found, exclude=["vocab"])
            if wanted is not None:
                self.cfg["weights_dtype"] = wanted

    def require_weights(self) -> None:
        """Load the pretrained weights, or raise spaCy's E109, a SentimentError here, if there are none."""
        self.load_pending()
        if not has_weights(self.model):
            raise SentimentError(SpacyErrors.E109.format(name=self.name))

    def require_trainable(self) -> None:
        """Load the weights that wait, and raise SentimentError if the component cannot be trained.

        It cannot if it is restricted, as an example of another label would have no place, or if it is a cascade.
        What it learns would be lost if it were rounded again: it is no longer stored as the weights were.
        """
        self.load_pending()
        if self.restrict_labels is not None:
            raise SentimentError(Errors.S086.format(name=self.name, labels=", ".join(self.restrict_labels)))
        if is_cascade(self.model):
            settings = self.model.attrs["settings"]
            raise SentimentError(Errors.S183.format(name=self.name, first=settings.first, second=settings.second))
        if self._stored_dtype is not None and self.cfg.get("weights_dtype") == self._stored_dtype:
            del self.cfg["weights_dtype"]
        self._stored_dtype = None

    def require_own(self, labels: Iterable[str]) -> None:
        """Raise SentimentError if one of the labels is not the pretrained weights'."""
        for label in labels:
            if label not in self.labels:
                raise SentimentError(Errors.S037.format(labels=", ".join(self.labels), value=label))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the probabilities."""
        kept = self.restrict_labels
        return tuple(label for label in self.cfg["labels"] if kept is None or label in kept)

    def add_label(self, label: str) -> int:
        """Add a label to a component without weights, like spaCy's `TextCategorizer.add_label`."""
        self.require_trainable()
        self.cfg.setdefault("lang", self.vocab.lang)
        return int(super().add_label(label))  # type: ignore[misc]

    def set_restriction(self, labels: Sequence[str] | None) -> None:
        """Set the labels to keep, None for all. They are checked once the weights are there, which bring their own."""
        self.restrict_labels = None if labels is None else tuple(labels)

    def apply_restriction(self) -> None:
        """Narrow the loaded model, or raise SentimentError if its labels cannot be restricted to these."""
        labels = self.cfg["labels"]
        set_columns(self.model, columns_of(labels, self.restrict_labels) if labels else None)

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

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Any:
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

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Any:
        """Load what `to_bytes` returned, like `from_disk`."""
        content = srsly.msgpack_loads(bytes_data)
        self._load(content["files"].__getitem__, "the bytes")
        if "vocab" not in exclude and "vocab" in content:
            self.vocab.from_bytes(content["vocab"], exclude=exclude)
        return self

    def _load(self, read: Callable[[str], bytes], where: str | Path) -> None:
        model, cfg = self._read(read, where)
        self.model = model
        self.cfg.update(cfg)
        self._stored_dtype = cfg.get("weights_dtype")
        check_language(self.cfg, where, self.vocab.lang)
        self.apply_restriction()
        self._pending = None  # only now, because another thread may be waiting for the weights

    def _read(self, read: Callable[[str], bytes], where: str | Path) -> tuple[Model[Any, Any], dict[str, Any]]:
        """Return the model of files, and its component's settings."""
        return model_from_files(self.model, read, where)


def negative_log_likelihood(truths: Any, scores: Any) -> tuple[float, Any]:
    """Return the negative log-likelihood of labels, averaged as in Trax's Loop, and its gradient.

    The gradient is (scores - truths) / n_rows, for predicted probabilities `scores` (n_rows, n_labels). Passed back
    through the log-softmax it is exact, because the scores' own part vanishes there; a row without a label, whose
    truths are all 0, has no gradient.
    """
    n_rows = max(len(truths), 1)
    likelihood = np.clip(scores, np.finfo(np.float32).tiny, None)
    return float(-(truths * np.log(likelihood)).sum() / n_rows), (scores - truths) / n_rows
