"""spaCy's tests of pipe factories, run against `trax_sentiment`."""

from adapting import adapted

globals().update(adapted("spacy.tests.pipeline.test_pipe_factories", {}))
