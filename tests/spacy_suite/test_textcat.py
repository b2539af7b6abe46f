"""spaCy's tests of text categorization, run against `trax_sentiment`."""

from adapting import adapted

OF_ANOTHER_COMPONENT = "it tests textcat_multilabel, whose labels do not exclude each other"
NOT_RESIZABLE = "no label can be added to trained weights, as with spaCy's TextCatEnsemble: test_no_resize"

DOES_NOT_APPLY = {
    "test_issue3611": "it trains spaCy's bag of words, named in its own config",
    "test_issue4030": "it trains spaCy's bag of words, named in its own config",
    "test_issue9904": "its loss is the mean square error, and ours the negative log-likelihood: tests/test_component.py",
    "test_textcat_loss": "its loss is the mean square error, and ours the negative log-likelihood",
    "test_textcat_learns_multilabel": OF_ANOTHER_COMPONENT,
    "test_overfitting_IO_multi": OF_ANOTHER_COMPONENT,
    "test_textcat_multilabel_threshold": OF_ANOTHER_COMPONENT,
    "test_textcat_multi_threshold": OF_ANOTHER_COMPONENT,
    "test_resize": NOT_RESIZABLE,
    "test_resize_same_results": NOT_RESIZABLE,
    "test_tok2vec_lazy_init": "it tests a tok2vec layer, which our model has not",
}
# A linear classifier cannot reach that test's loss in its 50 updates.
WITH_A_HIDDEN_LAYER = {
    r'(def test_overfitting_IO\(\):(?:\n.*?)+?)add_pipe\("trax_sentiment"\)': (
        r'\1add_pipe("trax_sentiment", config={"model": {"hidden_width": 512, "embedding_dim": 256}})'
    )
}

globals().update(adapted("spacy.tests.pipeline.test_textcat", DOES_NOT_APPLY, WITH_A_HIDDEN_LAYER))
