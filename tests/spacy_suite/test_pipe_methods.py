"""spaCy's tests of pipe methods, run against `trax_sentiment`."""

from adapting import adapted

globals().update(adapted("spacy.tests.pipeline.test_pipe_methods", {}))
