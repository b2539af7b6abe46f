"""spaCy's tests of serialization, run against `trax_sentiment`."""

from adapting import adapted

globals().update(adapted("spacy.tests.serialize.test_serialize_pipeline", {}))
