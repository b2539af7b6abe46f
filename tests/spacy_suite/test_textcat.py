"""spaCy's tests of text categorization, run against `trax_sentiment`."""

from adapting import adapted

OF_ANOTHER_COMPONENT = "it tests textcat_multilabel, whose labels are not exclusive"
NOT_RESIZABLE = "labels cannot be added to trained weights, as with spaCy's TextCatEnsemble: test_no_resize"

DOES_NOT_APPLY = {
    "test_issue4030": "it expects 0 for each label of a text without tokens; our scores sum to 1 for every text",
    "test_issue9904": "it swaps the scores of two examples, which changes the loss if they differ from the start: "
    "tests/test_component.py tests the loss of a batch given twice",
    "test_textcat_loss": "it expects the mean squared error; our loss is the negative log-likelihood",
    "test_textcat_learns_multilabel": OF_ANOTHER_COMPONENT,
    "test_overfitting_IO_multi": OF_ANOTHER_COMPONENT,
    "test_textcat_multilabel_threshold": OF_ANOTHER_COMPONENT,
    "test_textcat_multi_threshold": OF_ANOTHER_COMPONENT,
    "test_resize": NOT_RESIZABLE,
    "test_resize_same_results": NOT_RESIZABLE,
    "test_tok2vec_lazy_init": "it tests a tok2vec layer; our model has none",
}
MORE_TO_REWRITE = {
    # The test uses spaCy's bag of words.
    r'model = \{\s*"@architectures": "spacy\.TextCatBOW[^}]*\}': 'model = {"embedding_dim": 8}',
    # A linear classifier cannot reach the loss that the test expects after 50 updates.
    r'(def test_overfitting_IO\(\):(?:\n.*?)+?)add_pipe\("trax_sentiment"\)': (
        r'\1add_pipe("trax_sentiment", config={"model": {"hidden_width": 512, "embedding_dim": 256}})'
    ),
}

globals().update(adapted("spacy.tests.pipeline.test_textcat", DOES_NOT_APPLY, MORE_TO_REWRITE))
