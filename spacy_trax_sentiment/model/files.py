"""A model to named files and back: NumPy arrays, JSON and msgpack, sealed by a manifest with each file's checksum.

Nothing that is loaded can execute: there is no pickle. A file that is missing or damaged is refused by name.
"""

import copy
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from thinc.api import Model
from thinc.model import deserialize_attr, serialize_attr

from ..errors import Errors, SentimentError, reason_of
from ..pretrained import find_model, known_models, pretrained_path
from ..storage.sealed import Read, json_bytes, manifest, read_sealed, reader
from ..storage.whole import MANIFEST
from ..text.piece_files import UNIGRAM
from ..text.sentiment_terms import SentimentTerms
from ..text.unigram_pieces import UnigramPieces
from ..text.vocabulary import SPECIAL_TERMS
from ..text.word_pieces import WordPieces
from .architecture import MEANS, Architecture, weight_names
from .cascade import Cascade, is_cascade, loaded_cascade
from .encoder import Encoder, is_encoder
from .encoder_layer import EncoderLayer
from .graph import GRADIENT, GRAPH, Graph, described
from .layer_scores import current_graph
from .parameters import get_architecture, get_weights, has_weights, set_weights
from .stored_weights import WEIGHT_DTYPES, dequantized, scale_file, weight_array, weight_files
from .stored_weights import weight_names as stored_names
from .thinc_model import Classifier

_SETTINGS, _VOCABULARY, _PREPROCESSOR = "settings.json", "vocabulary.json", "preprocessor.msgpack"
# The highest settings of any preprocessor: a damaged file could claim ones that take endless time or memory.
_HIGHEST = {"negation_scope": 1 << 20, "bigram_buckets": 1 << 24, "bigram_distance": 1000, "n_leanings": 1000}
_HIGHEST |= {"max_pieces": 1 << 16}
_PLACES = "first", "second"  # of the models of a cascade
_ATTRIBUTES = ("embedding_dim", "hidden_width", "mean", "length_exponent", "label_prior")


def model_to_files(model: Model[Any, Any], cfg: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the content of each of the model's files by name, the manifest last.

    `cfg` are the component's settings: `labels` and, unless float32, the `weights_dtype` to save as. A weight that is
    not finite, or too large for float16, raises SentimentError. A layer that does not fold is exported, unless it was.
    The files of a cascade's models, once they are loaded, lie in the folders `first` and `second`.
    """
    if is_cascade(model):
        return _cascade_files(model, cfg)
    n_labels = model.get_dim("nO") if model.has_dim("nO") else None
    settings = {"cfg": dict(cfg), "n_labels": n_labels, **{name: model.attrs[name] for name in _attributes(model)}}
    vocabulary = model.attrs["vocabulary"]
    preprocessor = model.attrs["preprocessor"]
    graph = _graph(model)
    if graph is not None:
        settings["layer"] = described(model.attrs["layer"])
    if is_encoder(model):
        settings["encoder"] = asdict(model.attrs["layer"])
        if isinstance(preprocessor, UnigramPieces):
            settings["pieces"] = UNIGRAM
    files = {
        _SETTINGS: json_bytes(settings),
        _VOCABULARY: json_bytes(sorted(vocabulary, key=vocabulary.__getitem__)),
        _PREPROCESSOR: serialize_attr(preprocessor, preprocessor, "preprocessor", model),
    }
    dtype = cfg.get("weights_dtype", WEIGHT_DTYPES[0])
    if has_weights(model):
        for name, value in get_weights(model).items():
            files |= weight_files(name, value, dtype)
    if graph is not None:
        files |= {each.name: each.data for each in (graph, graph.gradient) if each is not None}
    return _sealed(files, cfg, weights_dtype=dtype)


def _sealed(files: dict[str, bytes], cfg: Mapping[str, Any], **facts: Any) -> dict[str, bytes]:
    return {**files, MANIFEST: manifest(files, {"labels": list(cfg.get("labels", ())), **facts})}


def _cascade_files(model: Model[Any, Any], cfg: Mapping[str, Any]) -> dict[str, bytes]:
    files = {_SETTINGS: json_bytes({"cfg": dict(cfg), "cascade": asdict(model.attrs["settings"])})}
    for place, layer, of_layer in zip(_PLACES, model.layers, model.attrs.get("cfgs", ()), strict=False):
        files |= {f"{place}/{name}": data for name, data in model_to_files(layer, of_layer).items()}
    return _sealed(files, cfg)


def model_from_files(model: Model[Any, Any], read: Read, where: str | Path) -> tuple[Model[Any, Any], dict[str, Any]]:
    """Set the model's vocabulary, preprocessor, settings and weights, and return it with the component's settings.

    The files of an encoder or a cascade bring their architecture: if the model is another, and not trained, such a one
    takes its place. A file in `where` that is missing, damaged, of a newer format, or does not fit the model raises
    SentimentError, which names it; the model is then unchanged.
    """
    files = read_sealed(MANIFEST, read, where)
    settings = _parsed(files, _SETTINGS, json.loads, where)
    if "cascade" in settings:
        return _cascade_of(model, settings, files, where)
    terms = _parsed(files, _VOCABULARY, json.loads, where)
    preprocessor_bytes = _parsed(files, _PREPROCESSOR, bytes, where)
    weights = {name: _weight(files, name, where) for name in stored_names(files)}
    try:
        if "encoder" in settings and not is_encoder(model) and not model.attrs["vocabulary"]:
            pieces = UnigramPieces() if settings.get("pieces") == UNIGRAM else WordPieces()
            model = Encoder(pieces, **settings["encoder"])
        elif "encoder" in settings and is_encoder(model) and not model.attrs["vocabulary"]:
            # Training on targets adds the head, whatever the config says.
            has_head = bool(settings["encoder"].get("target_head", False))
            model.attrs["layer"] = replace(model.attrs["layer"], target_head=has_head)
        vocabulary = dict(zip(terms, range(len(terms)), strict=True))
        _check_settings(model, settings, terms, vocabulary)
        preprocessor = copy.copy(model.attrs["preprocessor"])  # a copy, because the file may still be refused
        preprocessor = deserialize_attr(preprocessor, preprocessor_bytes, "preprocessor", model)
        _check_preprocessor(preprocessor, vars(model.attrs["preprocessor"]), where)
        if settings["n_labels"] is not None:
            model.set_dim("nO", settings["n_labels"])
        attributes = {name: settings[name] for name in _attributes(model)}
        before = dict(model.attrs)
        model.attrs.update(attributes, vocabulary=vocabulary, preprocessor=preprocessor)
        try:
            _check_shapes(model, weights)
        except ValueError:
            model.attrs.update(before)
            raise
    except (AttributeError, KeyError, MemoryError, TypeError, ValueError) as error:
        if isinstance(error, SentimentError):
            raise
        raise SentimentError(Errors.S073.format(path=where, reason=reason_of(error))) from None
    set_weights(model, weights)
    if "graph" in model.attrs and weights:
        model.attrs["graph"] = _stored_graph(model, settings.get("layer"), files, Path(where))
    return model, settings["cfg"]


def _cascade_of(
    model: Model[Any, Any], settings: dict[str, Any], files: Mapping[str, bytes], where: str | Path
) -> tuple[Model[Any, Any], dict[str, Any]]:
    """Return a cascade of the models among the files, or of those that it names, in the place of an untrained model."""
    try:
        if model.attrs["vocabulary"]:
            raise ValueError("it was made by another architecture")
        cfg, chosen, layers = dict(settings["cfg"]), Cascade(**settings["cascade"]).attrs["settings"], []
        for place, name in zip(_PLACES, (chosen.first, chosen.second), strict=True):
            start = f"{place}/"
            own = {file.removeprefix(start): data for file, data in files.items() if file.startswith(start)}
            read, path = (own.__getitem__, Path(where) / place) if own else _named_model(str(name), place)
            layers.append(model_from_files(Classifier(SentimentTerms()), read, path))
        return loaded_cascade(chosen, layers), {**cfg, "labels": layers[0][1]["labels"]}
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, SentimentError):
            raise
        raise SentimentError(Errors.S073.format(path=where, reason=reason_of(error))) from None


def _named_model(name: str, place: str) -> tuple[Read, Path]:
    path = find_model(pretrained_path(name), "trax_sentiment")
    if path is None:
        raise SentimentError(Errors.S180.format(path=name, place=place, known=known_models(name)))
    return reader(path), path


def _parsed(files: Mapping[str, bytes], name: str, parse: Callable[[bytes], Any], where: str | Path) -> Any:
    if name not in files:
        raise SentimentError(Errors.S070.format(path=Path(where) / name))
    try:
        return parse(files[name])
    except (EOFError, RecursionError, TypeError, ValueError) as error:
        raise SentimentError(Errors.S071.format(path=Path(where) / name, reason=reason_of(error))) from None


def _weight(files: Mapping[str, bytes], name: str, where: str | Path) -> Any:
    def whole(data: bytes) -> Any:
        array = weight_array(data)
        if array.dtype != np.int8:
            return array
        return dequantized(array, _parsed(files, scale_file(name), weight_array, where))

    return _parsed(files, f"{name}.npy", whole, where)


def _graph(model: Model[Any, Any]) -> Graph | None:
    """Return the graph to save, and keep it in the model: from now on it predicts."""
    if "graph" not in model.attrs or not has_weights(model):
        return None
    graph = current_graph(model)
    if graph is not None:
        model.attrs["graph"] = graph
    return graph


def _stored_graph(model: Model[Any, Any], layer: str | None, files: Mapping[str, bytes], where: Path) -> Graph:
    """Return the graph of a saved model, without data if it was saved without one; refuse one that is not safe."""
    architecture = get_architecture(model)
    if layer is not None and layer != described(architecture.layer):
        return Graph(files.get(GRAPH, b""), replace(architecture, layer=layer), where / GRAPH)
    graph = Graph(files.get(GRAPH, b""), architecture, where / GRAPH)
    if GRADIENT in files:
        graph.gradient = Graph(files[GRADIENT], architecture, where / GRADIENT, GRADIENT)
    if find_spec("onnx") is not None:  # else the first prediction names what is missing
        shapes = {name: value.shape for name, value in get_weights(model).items()}
        for each in (graph, graph.gradient):
            if each is not None and each.data:
                each.parsed(shapes)
    return graph


def _attributes(model: Model[Any, Any]) -> list[str]:
    return [name for name in _ATTRIBUTES if name in model.attrs]


def _check_settings(model: Model[Any, Any], settings: Any, terms: Any, vocabulary: dict[str, int]) -> None:
    layer, sizes = model.attrs["layer"] if is_encoder(model) else None, settings.get("encoder")
    is_unigram = isinstance(model.attrs.get("preprocessor"), UnigramPieces)
    same = ("mean" in settings) == ("mean" in model.attrs) and (settings.get("pieces") == UNIGRAM) == is_unigram
    if not same or layer != (sizes and EncoderLayer(**sizes)):
        raise ValueError("it was made by another architecture")
    if not isinstance(settings["cfg"], dict) or settings.get("mean", MEANS[0]) not in MEANS:
        raise ValueError("the settings are not this format's")
    if not isinstance(terms, list) or set(map(type, terms)) - {str}:
        raise ValueError("the vocabulary is not a list of strings")
    if terms and (tuple(islice(vocabulary, len(SPECIAL_TERMS))) != SPECIAL_TERMS or len(vocabulary) < len(terms)):
        raise ValueError("the vocabulary does not start with the special terms, or holds a term twice")


def _check_preprocessor(preprocessor: Any, before: Collection[str], where: str | Path) -> None:
    for name in vars(preprocessor):
        if callable(getattr(type(preprocessor), name, None)):
            raise ValueError(f"the preprocessor's settings hold {name!r}")
    for name, most in _HIGHEST.items():
        value = getattr(preprocessor, name, 0)
        if type(value) is not int or not 0 <= value <= most:
            raise ValueError(f"the preprocessor's {name} is {str(value)[:40]}")
    gained = [name for name in vars(preprocessor) if name not in before and not name.startswith("_")]
    if gained and isinstance(preprocessor, SentimentTerms | WordPieces | UnigramPieces):
        raise SentimentError(Errors.S088.format(path=where, name=f"{type(preprocessor).__name__}.v1"))


def _check_shapes(model: Model[Any, Any], weights: Mapping[str, Any]) -> None:
    a = get_architecture(model) if weights else None
    if isinstance(a, Architecture):
        width = a.hidden_width or a.embedding_dim
        shapes: Mapping[str, tuple[int, ...]] = {
            "E": (a.n_terms, a.embedding_dim),
            "W_hidden": (a.embedding_dim, a.hidden_width),
            "b_hidden": (a.hidden_width,),
            "W": (width, a.n_labels),
            "b": (a.n_labels,),
        }
        shapes = {name: shapes[name] for name in weight_names(a.hidden_width)}
    elif a is not None and is_encoder(model):
        shapes = a.layer.shapes(a.n_terms, a.n_labels)
    else:
        return  # only Trax knows those of another layer: they are checked before the first prediction
    for name, shape in shapes.items():
        if name not in weights or weights[name].shape != shape:
            found = weights[name].shape if name in weights else "missing"
            raise ValueError(f"the weights '{name}' are {found}, not {shape}")
