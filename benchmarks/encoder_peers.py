"""The contenders of `speed_encoder.py`: an encoder of ours, the same by hand in ONNX Runtime, and one in PyTorch."""

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from measuring import Score
from numpy.typing import NDArray
from spacy.language import Language
from speed_peers import BLANK, OURS, SCORER
from thinc.api import Model

from spacy_trax_sentiment import TextScorer, load
from spacy_trax_sentiment.model import layer_scores
from spacy_trax_sentiment.model.encoder import is_encoder
from spacy_trax_sentiment.model.parameters import get_weights
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.piece_files import BERT_NAMES

LOOP, ALONE, TRANSFORMERS = (
    "tokenizers and onnxruntime, one by one",
    "onnxruntime alone, on our batches",
    "transformers, a pipeline",
)
Ids = NDArray[np.int32]


class EncoderContender(NamedTuple):
    """A contender to time.

    Attributes:
        score: Scores texts.
        ids: The number of ids that its network reads for these texts, padding included.
        probabilities: The texts' probabilities, (n_texts, n_labels); None if its weights are random.
    """

    score: Score
    ids: int
    probabilities: Any = None


def encoder_of(model: str) -> Language | None:
    """Return the pipeline of that name or directory if its classifier is an encoder, else None."""
    nlp = load(model)
    return nlp if is_encoder(find_component(nlp).model) else None


def encoder_contenders(nlp: Language, texts: Sequence[str]) -> dict[str, EncoderContender]:
    """Return everything that scores these texts, by name; `transformers` only if it is installed."""
    model, scorer = find_component(nlp).model, TextScorer(nlp)
    with recorded_batches() as of_pipe:
        docs = list(nlp.pipe(texts))
    with recorded_batches() as of_scorer:
        scores = scorer(texts)
    session, tokenizer = hand_made_session(model), hand_made_tokenizer(model)
    encoded = [tokenizer.encode(text).ids for text in texts]

    def one_by_one(texts: Sequence[str]) -> list[Any]:
        return [run(session, np.array([tokenizer.encode(text).ids], dtype=np.int32)) for text in texts]

    def on_our_batches(_: Sequence[str]) -> list[Any]:
        return [run(session, ids) for ids in of_scorer]

    probabilities = np.array([[doc.cats[label] for label in scorer.labels] for doc in docs])
    contenders = {
        OURS: EncoderContender(lambda texts: deque(nlp.pipe(texts), maxlen=0), n_ids(of_pipe), probabilities),
        SCORER: EncoderContender(scorer, n_ids(of_scorer), scores),
        LOOP: EncoderContender(one_by_one, sum(map(len, encoded)), np.exp(np.concatenate(one_by_one(texts)))),
        ALONE: EncoderContender(on_our_batches, n_ids(of_scorer)),
    }
    if find_spec("torch") is not None and find_spec("transformers") is not None:
        contenders[TRANSFORMERS] = EncoderContender(transformers_pipeline(model), sum(map(len, encoded)))
    return contenders


def run(session: Any, ids: Ids) -> Any:
    """Return the output of a graph for padded ids (n_texts, length)."""
    return session.run(None, {"ids": ids})[0]


@contextmanager
def recorded_batches() -> Iterator[list[Ids]]:
    """Record the padded batches (n_texts, length) that encoders run meanwhile."""
    batches: list[Ids] = []
    predictor = layer_scores.predictor

    def recording(model: Model[Any, Any]) -> layer_scores.Run:
        predict = predictor(model)

        def record(ids: Ids) -> Any:
            batches.append(ids)
            return predict(ids)

        return record

    with patch.object(layer_scores, "predictor", recording):
        yield batches


def n_ids(batches: Sequence[Ids]) -> int:
    return sum(batch.size for batch in batches)


def hand_made_session(model: Model[Any, Any]) -> Any:
    """Return ONNX Runtime's session of the model's graph, its weights within, as a user would export it."""
    import onnxruntime
    from onnx import numpy_helper

    weights = get_weights(model)
    exported = model.attrs["graph"].parsed({name: value.shape for name, value in weights.items()})
    used = {value.name for value in exported.graph.input}
    kept = [value for value in exported.graph.input if value.name not in weights]
    del exported.graph.input[:]
    exported.graph.input.extend(kept)
    exported.graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items() if name in used
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(exported.SerializeToString(), options, providers=["CPUExecutionProvider"])


def hand_made_tokenizer(model: Model[Any, Any]) -> Any:
    """Return the tokenizer of the package `tokenizers` with the model's pieces and lengths."""
    from tokenizers import BertWordPieceTokenizer

    preprocessor = model.attrs["preprocessor"]
    vocabulary = bert_vocabulary(model.attrs["vocabulary"])
    tokenizer = BertWordPieceTokenizer(vocabulary, lowercase=preprocessor.lower)
    tokenizer.enable_truncation(preprocessor.max_pieces)
    return tokenizer


def bert_vocabulary(vocabulary: Mapping[str, int]) -> dict[str, int]:
    """Return a model's vocabulary, term -> id, by BERT's names of the special terms."""
    return {BERT_NAMES.get(term, term): id for term, id in vocabulary.items()}


def transformers_pipeline(model: Model[Any, Any]) -> Score:
    """Return a pipeline of `transformers` as it is by default, with an encoder of the same size.

    Its weights are random, which takes the same time.
    """
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, pipeline

    torch.set_num_threads(1)
    layer, preprocessor = model.attrs["layer"], model.attrs["preprocessor"]
    vocabulary = bert_vocabulary(model.attrs["vocabulary"])
    config = BertConfig(
        vocab_size=len(vocabulary) + 1,  # the tokenizer adds `[MASK]`
        hidden_size=layer.width,
        num_hidden_layers=layer.n_blocks,
        num_attention_heads=layer.n_heads,
        intermediate_size=layer.feed_forward_width,
        max_position_embeddings=layer.max_length,
        num_labels=model.get_dim("nO"),
    )
    classify = pipeline(
        "text-classification",
        model=BertForSequenceClassification(config).eval(),
        tokenizer=BertTokenizerFast(
            vocabulary, do_lower_case=preprocessor.lower, model_max_length=preprocessor.max_pieces
        ),
        device="cpu",
    )
    return lambda texts: classify(list(texts), truncation=True)


def encoder_programs(model: str) -> dict[str, list[str]]:
    """Return the commands that import, load and score one text, by name."""
    code = {
        BLANK: "import spacy; spacy.blank('en')('x')",
        OURS: "import sys; from spacy_trax_sentiment import load; load(sys.argv[1])('x')",
        SCORER: "import sys; from spacy_trax_sentiment import TextScorer; TextScorer.load(sys.argv[1])(['x'])",
    }
    return {name: [sys.executable, "-c", each, model] for name, each in code.items()}
