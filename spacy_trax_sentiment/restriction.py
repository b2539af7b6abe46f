"""What `restrict_labels` changes of spaCy's text categorizer: it has fewer labels, and can only predict."""

from collections.abc import Iterable, Sequence
from typing import Any

from spacy.pipeline.textcat import TextCategorizer
from spacy.training import Example

from .errors import Errors, SentimentError
from .model.cascade import is_cascade
from .model.columns import set_columns
from .pretrained import columns_of


class RestrictableCategorizer(TextCategorizer):
    """A text categorizer that may be restricted to some of its model's labels. `cfg["labels"]` stays whole."""

    restrict_labels: tuple[str, ...] | None = None

    def set_restriction(self, labels: Sequence[str] | None) -> None:
        """Set the labels to keep, None for all. They are checked once the weights are there, which bring their own."""
        self.restrict_labels = None if labels is None else tuple(labels)

    def apply_restriction(self) -> None:
        """Narrow the loaded model, or raise SentimentError if its labels cannot be restricted to these."""
        labels = self.cfg["labels"]
        set_columns(self.model, columns_of(labels, self.restrict_labels) if labels else None)

    def load_pending(self) -> None:
        """Load the weights that are loaded when they are needed, if there are any."""

    def require_trainable(self) -> None:
        """Load the weights that wait, and raise SentimentError if the component cannot be trained.

        It cannot if it is restricted, as an example of another label would have no place, or if it is a cascade.
        """
        self.load_pending()
        if self.restrict_labels is not None:
            raise SentimentError(Errors.S086.format(name=self.name, labels=", ".join(self.restrict_labels)))
        if is_cascade(self.model):
            settings = self.model.attrs["settings"]
            raise SentimentError(Errors.S183.format(name=self.name, first=settings.first, second=settings.second))

    @property
    def labels(self) -> tuple[str, ...]:  # type: ignore[override]
        """The labels, in the order of the probabilities."""
        kept = self.restrict_labels
        return tuple(label for label in self.cfg["labels"] if kept is None or label in kept)

    def rehearse(self, examples: Iterable[Example], **settings: Any) -> dict[str, float]:
        """Learn as spaCy's `TextCategorizer.rehearse`. Raises SentimentError if the component is restricted."""
        self.require_trainable()
        return super().rehearse(examples, **settings)
