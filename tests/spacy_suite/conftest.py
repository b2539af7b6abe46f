"""The fixtures that spaCy's own tests ask for."""

from spacy.tests.conftest import de_vocab, en_vocab  # noqa: F401
