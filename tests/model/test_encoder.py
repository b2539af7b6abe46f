import json
import math
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.training import Example
from spacy.util import registry

from spacy_trax_sentiment import Settings, TextScorer, load, save, train
from spacy_trax_sentiment.errors import SentimentError, TrainingInterrupted
from spacy_trax_sentiment.model.encoder import Encoder, Start
from spacy_trax_sentiment.model.encoder_layer import EncoderLayer
from spacy_trax_sentiment.model.files import model_from_files, model_to_files
from spacy_trax_sentiment.model.inputs import docs_to_ids, set_vocabulary
from spacy_trax_sentiment.model.parameters import get_weights, initial_weights, set_weights
from spacy_trax_sentiment.model.thinc_model import Classifier
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.storage.safetensors import read_safetensors
from spacy_trax_sentiment.storage.sealed import manifest
from spacy_trax_sentiment.storage.whole import MANIFEST
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.unigram_pieces import UnigramPieces
from spacy_trax_sentiment.text.word_pieces import WordPieces
from spacy_trax_sentiment.training.checkpoints import open_checkpoints
from spacy_trax_sentiment.training.labelled import Corpus, LabelledText
from spacy_trax_sentiment.training.progress import Progress
from spacy_trax_sentiment.training.run import train_on

TEXTS = ["good film!", "not good", "it was awful", "i love it", "hate the sad film", "great", "bad, bad film"] * 6
LABELS = ["positive", "negative", "negative", "positive", "negative", "positive", "negative"] * 6


@pytest.fixture(scope="module")
def tiny(tiny_encoder: dict[str, Any], require_trax: None) -> Language:
    """An encoder that Trax's Loop trained for a few steps."""
    settings = Settings(
        steps=12, batch_size=8, ids_per_batch=64, learning_rate=0.01, warmup_steps=2, decay=True,
        clip_grad_norm=1.0, balanced=False, model=tiny_encoder, calibrate=True,
        weight_decay=0.0, evaluate_every=5,
    )  # fmt: skip
    return train(TEXTS, LABELS, settings=settings).nlp


@pytest.fixture(scope="module")
def multilingual(tiny_multilingual: Path, tiny_encoder: dict[str, Any], require_trax: None) -> Language:
    """An encoder with pieces of several scripts, trained for a few steps."""
    preprocessor = {
        "@misc": "spacy_trax_sentiment.UnigramPieces.v1",
        "vocabulary": str(tiny_multilingual / "tokenizer.json"),
        "max_pieces": 16,
    }
    start = str(tiny_multilingual / "model.safetensors")
    model = {**tiny_encoder, "start": start, "preprocessor": preprocessor}
    settings = Settings(
        steps=6, batch_size=8, ids_per_batch=64, balanced=False, model=model, lang="xx", weight_decay=0.0
    )
    texts = ["gut film!", "плохо", "جيد", "अच्छा फिल्म", "坏", "schlecht, фильм", "سيئ", "बुरा"] * 3
    labels = ["positive", "negative", "positive", "positive", "negative", "negative", "negative", "negative"] * 3
    nlp = train(texts, labels, settings=settings).nlp
    nlp.to_bytes()  # from now on ONNX predicts, which does not compile for each length
    return nlp


def _model(tiny_bert: Path, **settings: Any) -> Any:
    preprocessor = WordPieces(str(tiny_bert / "vocab.txt"))
    sizes = {"width": 8, "n_blocks": 2, "n_heads": 2, "feed_forward_width": 12, "max_length": 20, "nO": 3}
    model = Encoder(preprocessor, **{**sizes, "start": str(tiny_bert / "model.safetensors"), **settings})
    set_vocabulary(model, [])
    return model


def _bert(directory: Path, rows: Any, n_heads: int, W: Any, b: Any) -> Any:
    """Return the log-probabilities of BERT's rows of pieces, after Devlin et al. (2019), in NumPy with float64."""
    arrays = {
        name: array.astype(np.float64) for name, array in read_safetensors(directory / "model.safetensors").items()
    }

    def log_softmax(x: Any) -> Any:
        return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))

    def dense(name: str, x: Any) -> Any:
        return x @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"]

    def norm(name: str, x: Any) -> Any:
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return centred / deviation * arrays[f"{name}.weight"] + arrays[f"{name}.bias"]

    x = arrays["embeddings.word_embeddings.weight"][rows]
    x = x + arrays["embeddings.position_embeddings.weight"][: len(rows)]
    x = norm("embeddings.LayerNorm", x + arrays["embeddings.token_type_embeddings.weight"][0])
    for i in range(2):
        block = f"encoder.layer.{i}"
        heads = [np.split(dense(f"{block}.attention.self.{name}", x), n_heads, 1) for name in ("query", "key", "value")]
        of_heads = [np.exp(log_softmax(q @ k.T / np.sqrt(q.shape[1]))) @ v for q, k, v in zip(*heads, strict=True)]
        attended = dense(f"{block}.attention.output.dense", np.concatenate(of_heads, axis=1))
        x = norm(f"{block}.attention.output.LayerNorm", x + attended)
        wide = dense(f"{block}.intermediate.dense", x)
        gelu = wide * (1 + np.vectorize(math.erf)(wide / np.sqrt(2))) / 2
        x = norm(f"{block}.output.LayerNorm", x + dense(f"{block}.output.dense", gelu))
    return log_softmax(x.mean(axis=0) @ W + b)


def test_a_started_encoder_computes_what_bert_does(tiny_bert: Path, require_trax: None) -> None:
    from spacy_trax_sentiment.model.trax_backend import jax

    model = _model(tiny_bert)
    layer, weights = initial_weights(model, 0)
    vocabulary = model.attrs["vocabulary"]
    row = {piece: i for i, piece in enumerate((tiny_bert / "vocab.txt").read_text(encoding="utf-8").splitlines())}
    texts = [["[CLS]", "good", "##x", "film", "__</e>__"], ["[CLS]", "__UNK__", "a", "__</e>__"], ["[CLS]"]]
    ids = np.zeros((3, 7), dtype=np.int32)
    for padded, text in zip(ids, texts, strict=True):
        padded[: len(text)] = [vocabulary[piece] for piece in text]
    found, _ = layer.pure_fn(ids, layer.weights, layer.state, jax.random.PRNGKey(0))
    names = {"__</e>__": "[SEP]", "__UNK__": "[UNK]"}
    for scores, text in zip(np.asarray(found), texts, strict=True):
        rows = [row[names.get(piece, piece)] for piece in text]
        assert np.allclose(scores, _bert(tiny_bert, rows, 2, weights["W"], weights["b"]), atol=1e-5)


def test_the_weights_have_the_names_and_shapes_that_are_foretold(tiny_bert: Path, require_trax: None) -> None:
    model = _model(tiny_bert, start=None)
    layer = model.attrs["layer"]
    _, weights = initial_weights(model, 0)
    expected = layer.shapes(len(model.attrs["vocabulary"]), 3)
    assert {name: value.shape for name, value in weights.items()} == expected
    assert tuple(weights) == layer.weight_names
    assert EncoderLayer().shapes(100, 2)["block_5_widen"] == (384, 1536)


def test_a_start_that_cannot_be_used_is_refused_by_name(tiny_bert: Path, tmp_path: Path, require_trax: None) -> None:
    for settings, message in (
        ({"start_sha256": "00"}, "S056.*model.safetensors.*its sha256 is"),
        ({"width": 4}, r"S056.*'E' is \(\d+, 8\), and the config says"),
        ({"n_blocks": 3}, "S056.*encoder.layer.2.* is missing"),
        ({"start": str(tmp_path / "none.safetensors")}, "S056.*none.safetensors.*No such file"),
        ({"start": "no_such_package:model.safetensors"}, "S055.*no_such_package"),
    ):
        with pytest.raises(SentimentError, match=message):
            initial_weights(_model(tiny_bert, **settings), 0)


def test_the_rows_are_those_of_the_file_beside_the_start_or_of_the_preprocessors(
    tiny_bert: Path, tmp_path: Path, require_trax: None
) -> None:
    shutil.copy(tiny_bert / "model.safetensors", tmp_path)
    model = _model(tiny_bert, start=str(tmp_path / "model.safetensors"))
    _, expected = initial_weights(_model(tiny_bert), 0)
    _, found = initial_weights(model, 0)  # by the file that the preprocessor names
    assert np.array_equal(found["E"], expected["E"])
    model.attrs["preprocessor"].source = None  # as in a model whose files were moved
    with pytest.raises(SentimentError, match=r"S228.*model.safetensors: neither vocab.txt nor tokenizer.json"):
        initial_weights(model, 0)
    pieces = (tiny_bert / "vocab.txt").read_text(encoding="utf-8").splitlines()
    numbered = {piece: i for i, piece in enumerate(pieces)}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "WordPiece", "vocab": numbered}}))
    _, found = initial_weights(model, 0)
    assert np.array_equal(found["E"], expected["E"])
    more = "\n".join([*(f"x{i}" for i in range(9)), *pieces])
    (tmp_path / "vocab.txt").write_text(more, encoding="utf-8")  # not the one that belongs to the weights
    with pytest.raises(SentimentError, match="S056.*rows, too few"):
        initial_weights(model, 0)


@pytest.mark.parametrize("renamed", [{"": "roberta."}, {}])
def test_the_layout_of_roberta_is_refused(
    tiny_bert: Path, renamed: dict[str, str], require_trax: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = read_safetensors(tiny_bert / "model.safetensors")
    if not renamed:  # a bare XLM-R differs in its sizes alone
        arrays["embeddings.position_embeddings.weight"] = np.zeros((514, 8), dtype=np.float32)
        arrays["embeddings.token_type_embeddings.weight"] = np.zeros((1, 8), dtype=np.float32)
    arrays = {renamed.get("", "") + name: array for name, array in arrays.items()}
    monkeypatch.setattr("spacy_trax_sentiment.model.encoder.read_safetensors", lambda *_: arrays)
    with pytest.raises(SentimentError, match="S229.*model.safetensors.*RoBERTa"):
        initial_weights(_model(tiny_bert), 0)


def test_sizes_out_of_range_are_refused() -> None:
    for name, value in (("n_blocks", 0), ("width", 10), ("max_length", -1)):
        with pytest.raises(SentimentError, match=f"S021.*{name} is {value}"):
            Encoder(WordPieces(), **{"n_heads": 4, name: value})


def test_training_keeps_the_embedding_and_moves_the_rest(tiny: Language, tiny_bert: Path) -> None:
    trained = get_weights(find_component(tiny).model)
    start = _model(tiny_bert, nO=2)
    _, weights = initial_weights(start, 0)
    assert np.array_equal(trained["E"], weights["E"])
    still = [name for name in weights if np.allclose(trained[name], weights[name], atol=1e-6)]
    # The softmax over positions does not see what is added to all keys alike.
    assert set(still) <= {"E", "block_0_key_bias", "block_1_key_bias"}


def test_the_same_seed_gives_the_same_weights(tiny_encoder: dict[str, Any], require_trax: None) -> None:
    settings = Settings(steps=3, batch_size=4, ids_per_batch=32, balanced=False, model=tiny_encoder)
    first, second = (find_component(train(TEXTS, LABELS, settings=settings).nlp).model for _ in range(2))
    for name, value in get_weights(first).items():
        assert np.array_equal(value, get_weights(second)[name]), name


def test_dropout_changes_what_is_learned_and_no_evaluation(tiny_encoder: dict[str, Any], require_trax: None) -> None:
    settings = Settings(
        steps=1, batch_size=4, ids_per_batch=32, balanced=False, model=tiny_encoder, evaluate_every=1,
        weight_decay=0.0, learning_rate=1e-12,
    )  # fmt: skip
    plain, dropping = (train(TEXTS, LABELS, settings=replace(settings, dropout=rate)).history for rate in (0, 0.5))
    assert [each.dev_loss for each in dropping] == pytest.approx([each.dev_loss for each in plain], abs=1e-5)
    assert abs(dropping[-1].loss - plain[-1].loss) > 1e-3


def test_an_interrupted_run_resumes_to_the_same_weights(
    tiny_encoder: dict[str, Any], tmp_path: Path, require_trax: None
) -> None:
    settings = Settings(
        steps=7, batch_size=4, ids_per_batch=32, balanced=False, model=tiny_encoder, evaluate_every=3, weight_decay=0.0
    )
    labels = sorted(set(LABELS))
    known = np.array([[1, 0] if label == labels[0] else [0, 1] for label in LABELS], dtype=np.float32)
    texts = [LabelledText(*each) for each in zip(TEXTS, LABELS, strict=True)]
    corpus = Corpus(labels, texts, texts, [1.0] * len(texts), known, known)
    whole = train_on(corpus, settings).nlp

    def interrupt(progress: Progress) -> None:
        if progress.step == 4:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(TrainingInterrupted), open_checkpoints(tmp_path / "m") as checkpoints:
        train_on(corpus, settings, checkpoints=checkpoints, on_step=interrupt)
    with open_checkpoints(tmp_path / "m", resume=True) as checkpoints:
        resumed = train_on(corpus, settings, checkpoints=checkpoints).nlp
    for name, value in get_weights(find_component(whole).model).items():
        assert np.array_equal(value, get_weights(find_component(resumed).model)[name]), name


def test_a_saved_encoder_is_served_without_trax(tiny: Language, tmp_path: Path) -> None:
    save(tiny, tmp_path / "model")
    texts = ["", "good", "not a good film, it was awful :(", "Ω", "a " * 100, *TEXTS[:7]]
    expected = np.array([list(doc.cats.values()) for doc in tiny.pipe(texts)])
    code = """
import sys, numpy as np, spacy_trax_sentiment as s
scorer = s.TextScorer.load(sys.argv[1])
np.save(sys.argv[2], scorer(sys.argv[3:]))
s.load(sys.argv[1])("not good")._.sentiment.contributions
assert not {"trax", "jax", "tensorflow", "torch", "transformers"} & set(sys.modules), "Trax was imported"
"""
    out = tmp_path / "scores.npy"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "model"), str(out), *texts], check=True)
    assert np.allclose(np.load(out), expected, atol=1e-5)
    scorer = TextScorer.load(tmp_path / "model")
    alone = np.concatenate([scorer([text]) for text in texts])
    backwards = scorer(texts[::-1])[::-1]
    assert np.allclose(alone, expected, atol=1e-5)
    assert np.allclose(backwards, expected, atol=1e-5)


def test_pretrained_weights_bring_their_architecture(tiny: Language, tmp_path: Path) -> None:
    save(tiny, tmp_path / "model")
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": str(tmp_path / "model")})
    assert nlp("not good").cats == pytest.approx(tiny("not good").cats, abs=1e-5)
    nlp.to_disk(tmp_path / "again")
    shutil.rmtree(tmp_path / "model")
    for loaded in (load(tmp_path / "again"), spacy.load(tmp_path / "again")):
        assert loaded("not good").cats == pytest.approx(tiny("not good").cats, abs=1e-5)
    copied = type(nlp).from_config(nlp.config)
    with pytest.raises(SentimentError, match="S036"):
        copied("not good")


def test_contributions_add_up_and_belong_to_tokens(tiny: Language) -> None:
    doc = tiny("the film was not goodish, i hate it :)")
    sentiment = doc._.sentiment
    assert sentiment.contributions.shape == (len(doc), 2)
    total = sentiment.contributions.sum(axis=0) + sentiment.bias
    logs = np.log(list(doc.cats.values()))
    assert np.allclose(total, logs - logs.mean(), atol=1e-2)
    assert np.count_nonzero(sentiment.toward("positive")) > 3
    assert tiny("12, 34")._.sentiment.n_known == 0


def test_update_and_initialize_train_an_encoder(tiny_encoder: dict[str, Any], require_trax: None) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"model": tiny_encoder, "pretrained": None})
    docs = [(text, {"cats": {each: float(each == label) for each in ("negative", "positive")}})
            for text, label in zip(TEXTS[:14], LABELS[:14], strict=True)]  # fmt: skip
    examples = [Example.from_dict(nlp.make_doc(text), annotations) for text, annotations in docs]
    optimizer = nlp.initialize(lambda: examples)
    losses = [nlp.update(examples, sgd=optimizer)["trax_sentiment"] for _ in range(8)]
    assert losses[-1] < losses[0]


def test_a_multilingual_encoder_computes_what_bert_does(
    multilingual: Language, tiny_multilingual: Path, require_trax: None
) -> None:
    model = find_component(multilingual).model
    weights, vocabulary = get_weights(model), model.attrs["vocabulary"]
    source = model.attrs["preprocessor"].source
    start = model.attrs["start"](model.attrs["layer"], weights, vocabulary, source)  # as it was before training
    pieces = json.loads((tiny_multilingual / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    row = {piece: i for i, (piece, _) in enumerate(pieces)}
    names = {"__PAD__": "<pad>", "__</e>__": "</s>", "__UNK__": "<unk>", "[CLS]": "<s>"}
    rows_of = {id: row[names.get(term, term)] for term, id in vocabulary.items()}
    assert len(rows_of) < len(row)  # only what the training texts hold
    docs = [multilingual.make_doc(text) for text in ("gut!", "плохо фильм", "جيد", "अच्छा 电影", "ѯѯ gut")]
    set_weights(model, start)
    try:
        for doc, scores in zip(docs, model.predict(docs), strict=True):
            rows = [rows_of[id] for id in next(docs_to_ids(model, [doc])).tolist()]
            assert np.allclose(np.log(scores), _bert(tiny_multilingual, rows, 2, start["W"], start["b"]), atol=1e-5)
    finally:
        set_weights(model, weights)


def test_a_saved_multilingual_encoder_scores_and_explains_the_same(multilingual: Language, tmp_path: Path) -> None:
    save(multilingual, tmp_path / "model")
    texts = ["", "gut", "не хорошо, плохо фильм :(", "الفيلم جيد", "फिल्म अच्छा", "好电影", "ѯ", "gut " * 50, "ZÜRICH ß!"]
    expected = np.array([list(doc.cats.values()) for doc in multilingual.pipe(texts)])
    assert np.allclose(TextScorer(multilingual)(texts), expected, atol=1e-6)
    nlp = spacy.blank("de")
    nlp.add_pipe("trax_sentiment", config={"pretrained": str(tmp_path / "model")})
    for loaded in (load(tmp_path / "model"), nlp):
        assert isinstance(find_component(loaded).model.attrs["preprocessor"], UnigramPieces)
        assert np.allclose(TextScorer(loaded)(texts), expected, atol=1e-5)
    doc = load(tmp_path / "model")("फिल्म अच्छा, фильм gut ѯ")
    sentiment = doc._.sentiment
    logs = np.log(list(doc.cats.values()))
    assert np.allclose(sentiment.contributions.sum(axis=0) + sentiment.bias, logs - logs.mean(), atol=1e-2)
    assert sentiment.n_known == 4
    assert multilingual("ѯѯ 12")._.sentiment.label is None


@hypothesis_settings(max_examples=30)
@given(st.lists(st.text(st.sampled_from("gut хор.جيد\u064b\u200f अच्\u200d好!1") | st.characters(codec="utf-8"))))
def test_texts_of_any_script_are_scored_alike(multilingual: Language, texts: list[str]) -> None:
    scores = TextScorer(multilingual)(texts)
    for doc, of_text in zip(multilingual.pipe(texts), scores, strict=True):
        assert np.allclose(list(doc.cats.values()), of_text, atol=1e-5)
        assert sum(doc.cats.values()) == pytest.approx(1, abs=1e-4)


def test_pieces_of_one_kind_do_not_pass_for_the_other(
    tiny: Language, multilingual: Language, tiny_encoder: dict[str, Any], tmp_path: Path
) -> None:
    save(multilingual, tmp_path / "model")
    nlp = spacy.blank("de")
    component: Any = nlp.add_pipe("trax_sentiment", config={"model": tiny_encoder, "pretrained": None})
    with pytest.raises(SentimentError, match="S073.*another architecture"):
        component.from_disk(tmp_path / "model" / "trax_sentiment")
    files = model_to_files(find_component(multilingual).model, {"labels": ["negative", "positive"]})
    preprocessor = srsly.msgpack_loads(files["preprocessor.msgpack"])
    preprocessor["scores"][0] = float("nan")
    changed = {**files, "preprocessor.msgpack": srsly.msgpack_dumps(preprocessor)}
    changed[MANIFEST] = manifest({name: data for name, data in changed.items() if name != MANIFEST}, {})
    with pytest.raises(SentimentError, match="S073.*not a finite number"):
        model_from_files(Classifier(SentimentTerms()), changed.__getitem__, "model")


def test_the_names_are_registered() -> None:
    assert registry.get("misc", "spacy_trax_sentiment.UnigramPieces.v1") is UnigramPieces
    assert registry.get("architectures", "spacy_trax_sentiment.Encoder.v1") is Encoder
    assert registry.get("misc", "spacy_trax_sentiment.WordPieces.v1") is WordPieces
    assert Start("a").sha256 is None


def test_no_heads_are_refused() -> None:
    with pytest.raises(SentimentError, match="S021.*n_heads"):
        Encoder(WordPieces(), n_heads=0)
