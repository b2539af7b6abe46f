"""`trax-sentiment info`: a model to its labels, settings, training, figures and versions."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..about import BUNDLED_MODEL, __version__
from . import options
from .common import print_json, require_output

if TYPE_CHECKING:
    from thinc.api import Model


def info(
    model: options.ModelArgument = BUNDLED_MODEL,
    only_labels: options.OnlyLabels = None,
    as_json: options.AsJson = False,
) -> None:
    """Show a model's labels, settings and figures.

    Also shows its terms, preprocessor, training, size and versions.

    \b
    Examples:
      trax-sentiment info
      trax-sentiment info model --json
    """
    require_output()
    facts = model_facts(model, options.kept_labels(only_labels))
    if as_json:
        print_json(facts)
    else:
        import wasabi

        missing = "not saved" if facts["model_card"] is None else "in the model card"
        shown = facts | {name: facts[name] or missing for name in ("training", "figures")}
        rows = [(name, line) for name, value in shown.items() for name, line in _lines(name, value)]
        print(wasabi.table(rows, aligns=("l", "l"), max_col=100), end="")


def model_facts(name: str, labels: Sequence[str] | None = None) -> dict[str, Any]:
    """Return what is known about a model, as JSON's types; None for what was not saved with it."""
    from spacy.about import __version__ as spacy_version

    from ..model.cascade import is_cascade
    from ..pipelines import find_component, load
    from ..pretrained import find_model, pretrained_path
    from ..storage.whole import MANIFEST

    nlp = load(name, labels=labels)
    component = find_component(nlp)
    model = component.model
    path = pretrained_path(name)
    # The bundled models share one card, which lies beside them.
    card = path.parent / "README.md" if path != Path(name) else None
    files = find_model(path, component.name) or path
    # A model saved by other means may lack the manifest. Loading has already reported a damaged one of ours.
    manifest = json.loads((files / MANIFEST).read_bytes()) if (files / MANIFEST).is_file() else {}
    asked = [model.attrs["settings"].first, model.attrs["settings"].second] if is_cascade(model) and card else []
    folders = [path, *map(pretrained_path, asked)]
    trained = nlp.meta.get("trax_sentiment", {})
    return {
        "model": name,
        "path": str(path),
        "pipeline": nlp.pipe_names,
        "language": component.cfg.get("lang"),
        "pipeline_language": nlp.lang,
        "language_features": _language_features(model),
        "labels": list(component.labels),
        "restricted_from": None if component.restrict_labels is None else list(component.cfg["labels"]),
        **_model_facts(model, component.cfg, nlp.get_pipe_config(component.name)["model"]["@architectures"]),
        "training": trained.get("training"),
        "figures": nlp.meta.get("performance") or None,
        "model_card": str(card) if card is not None and card.is_file() else None,
        "bytes": sum(each.stat().st_size for folder in folders for each in folder.rglob("*") if each.is_file()),
        "versions": {
            "written_by": manifest.get("package_version"),
            "format": manifest.get("format_version"),
            "this_package": __version__,
            "spacy": spacy_version,
            "spacy_wanted": nlp.meta.get("spacy_version"),
        },
    }


def _model_facts(model: "Model[Any, Any]", cfg: dict[str, Any], configured: str) -> dict[str, Any]:
    """Return the facts of a model; those of both models of a cascade, in groups."""
    from ..model.cascade import is_cascade
    from ..model.parameters import get_architecture, has_weights
    from ..text.vocabulary import N_SPECIAL

    if is_cascade(model):
        settings = {"name": "spacy_trax_sentiment.Cascade.v1", **asdict(model.attrs["settings"])}
        facts = [_model_facts(*each, "") for each in zip(model.layers, model.attrs["cfgs"], strict=True)]
        return {"architecture": settings, "first": facts[0], "second": facts[1]}
    return {
        "terms": max(0, len(model.attrs["vocabulary"]) - N_SPECIAL),
        "rows": get_architecture(model).n_terms if has_weights(model) else None,
        "weights": sum(model.get_param(each).size for each in model.param_names) if has_weights(model) else None,
        "weights_dtype": cfg.get("weights_dtype", "float32"),
        "architecture": _architecture(model, configured),
        "preprocessor": _preprocessor(model),
    }


def _architecture(model: "Model[Any, Any]", configured: str) -> dict[str, Any]:
    from ..model.encoder import is_encoder
    from ..model.thinc_model import folds

    if is_encoder(model):  # which pretrained weights may have brought, whatever the config says
        return {"name": "spacy_trax_sentiment.Encoder.v1", **asdict(model.attrs["layer"])}
    names = ("embedding_dim", "hidden_width", "mean", "length_exponent")
    settings = {each: model.attrs[each] for each in names} if folds(model) else {"layer": str(model.attrs["layer"])}
    return {"name": configured or "spacy_trax_sentiment.Classifier.v1", **settings}


def _preprocessor(model: "Model[Any, Any]") -> dict[str, Any]:
    """Return the preprocessor's class and settings, with the size in place of a collection."""
    preprocessor = model.attrs["preprocessor"]
    facts: dict[str, Any] = {"name": type(preprocessor).__name__}
    for name, value in sorted(vars(preprocessor).items()):
        if not name.startswith("_"):
            facts[name] = len(value) if isinstance(value, set | frozenset | dict | list | tuple) else value
    return facts


def _language_features(model: "Model[Any, Any]") -> dict[str, Any] | None:
    from ..text.languages import ENGLISH, language
    from ..text.sentiment_terms import SentimentTerms

    terms = model.attrs.get("preprocessor")  # a cascade has none of its own
    return language(terms.lang or ENGLISH).facts() if isinstance(terms, SentimentTerms) else None


def _lines(name: str, value: Any) -> list[tuple[str, str]]:
    """Return the rows of the table for a fact: one per value, also within a group."""
    label = name.replace("_", " ")
    if isinstance(value, dict):
        return [line for each, part in value.items() for line in _lines(f"{name}: {each}", part)]
    if value is None:
        return [(label, "-")]
    if name == "bytes":
        return [("size", f"{value / 1e6:.2f} MB")]
    if isinstance(value, list):
        return [(label, ", ".join(map(str, value)))]
    return [(label, f"{value:.4f}" if isinstance(value, float) and name.startswith("figures") else f"{value}")]
