import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.files import MANIFEST, model_from_files, model_to_files
from spacy_trax_sentiment.pipelines import find_component, load, save
from spacy_trax_sentiment.storage.sealed import FORMAT_VERSION, SEAL, manifest
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms

TEXTS = ["I love it", "awful, never again", ""]


@pytest.fixture(scope="module")
def saved(trained: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "m"
    save(trained, path)
    return path


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def _refused(path: Path) -> None:
    with pytest.raises(SentimentError, match=r"S07[01]") as error:
        load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_consists_of_arrays_json_and_msgpack(saved: Path) -> None:
    suffixes = {path.suffix for path in _files(saved / "trax_sentiment")}
    assert suffixes == {".npy", ".json", ".msgpack"}
    content = json.loads((saved / "trax_sentiment" / MANIFEST).read_bytes())
    assert content["format_version"] == FORMAT_VERSION
    assert content["labels"] == ["negative", "positive"]
    assert content["package_version"]
    assert all(len(entry["sha256"]) == 64 for entry in content["files"].values())


def test_a_saved_model_scores_the_same(trained: Language, saved: Path) -> None:
    for text in TEXTS:
        assert load(saved)(text).cats == trained(text).cats


@pytest.mark.parametrize("part", ["the pipeline", "the component"])
def test_a_flipped_byte_anywhere_is_refused(saved: Path, tmp_path: Path, part: str) -> None:
    # spacy.load checks the component's own files, load all of them. spacy.load leaves that to the component, which is
    # quicker to ask, so each file is damaged only once for spacy.load.
    rng = np.random.default_rng(0)
    copy = tmp_path / "m"
    shutil.copytree(saved, copy)
    component: Any = spacy.load(copy).get_pipe("trax_sentiment")
    files = _files(copy if part == "the pipeline" else copy / "trax_sentiment")
    for i in range(200):
        # Each file in turn, because most of the bytes belong to one.
        path = files[i % len(files)]
        data = path.read_bytes()
        place = int(rng.integers(len(data)))
        path.write_bytes(data[:place] + bytes([data[place] ^ int(rng.integers(1, 256))]) + data[place + 1 :])
        try:
            if part == "the pipeline":
                _refused(copy)
            else:
                with pytest.raises(SentimentError, match=r"S07[0-2]"):
                    component.from_disk(copy / "trax_sentiment")
                if i < len(files):
                    with pytest.raises(SentimentError, match=r"S07[0-2]"):
                        spacy.load(copy)
        finally:
            path.write_bytes(data)
    component.from_disk(copy / "trax_sentiment")
    load(copy)


def test_a_truncated_file_is_refused(saved: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    copy = tmp_path / "m"
    shutil.copytree(saved, copy)
    files = _files(copy)
    for i in range(50):
        path = files[i % len(files)]
        data = path.read_bytes()
        path.write_bytes(data[: int(rng.integers(len(data)))])
        _refused(copy)
        path.write_bytes(data)


def test_a_missing_file_is_named(saved: Path, tmp_path: Path) -> None:
    copy = tmp_path / "m"
    shutil.copytree(saved, copy)
    for path in _files(copy):
        if path.name == SEAL:
            continue
        moved = path.rename(tmp_path / "moved")
        with pytest.raises(SentimentError, match=f"S070.*{path.name}"):
            load(copy)
        moved.rename(path)
    (copy / "trax_sentiment" / "E.npy").unlink()
    with pytest.raises(SentimentError, match=r"S070.*E\.npy"):
        spacy.load(copy)


def test_a_newer_format_is_refused_with_the_remedy(saved: Path, tmp_path: Path) -> None:
    copy = tmp_path / "m"
    shutil.copytree(saved, copy)
    path = copy / "trax_sentiment" / MANIFEST
    content = json.loads(path.read_bytes())
    content["format_version"] = FORMAT_VERSION + 1
    path.write_text(json.dumps(content))
    with pytest.raises(SentimentError, match=r"S072.*manifest\.json.*Install a newer"):
        spacy.load(copy)


def test_a_pickle_with_a_correct_checksum_is_not_loaded(saved: Path, tmp_path: Path) -> None:
    copy = tmp_path / "m"
    shutil.copytree(saved, copy)
    (copy / SEAL).unlink()
    directory = copy / "trax_sentiment"
    np.save(directory / "b.npy", np.array([_Executed(), None], dtype=object), allow_pickle=True)
    _executed.clear()
    content = json.loads((directory / MANIFEST).read_bytes())
    files = {name: (directory / name).read_bytes() for name in content["files"]}
    facts = {"labels": content["labels"], "weights_dtype": content["weights_dtype"]}
    (directory / MANIFEST).write_bytes(manifest(files, facts))
    with pytest.raises(SentimentError, match=r"S071.*b\.npy"):
        spacy.load(copy)
    assert not _executed


_executed: list[str] = []


def _execute(what: str) -> None:
    _executed.append(what)


class _Executed:
    """Records that it was unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return _execute, ("",)


def test_weights_may_be_stored_as_float16(trained: Language, saved: Path, tmp_path: Path) -> None:
    nlp = spacy.load(saved)
    nlp.get_pipe("trax_sentiment").cfg["weights_dtype"] = "float16"  # type: ignore[attr-defined]
    save(nlp, tmp_path / "half")
    assert np.load(tmp_path / "half" / "trax_sentiment" / "E.npy").dtype == np.float16
    half = TextScorer.load(tmp_path / "half")
    np.testing.assert_allclose(half(TEXTS), TextScorer(trained)(TEXTS), atol=0.02)
    # Saving a loaded model changes nothing.
    save(spacy.load(tmp_path / "half"), tmp_path / "again")
    np.testing.assert_array_equal(TextScorer.load(tmp_path / "again")(TEXTS), half(TEXTS))


def test_weights_too_large_for_float16_are_refused(saved: Path, tmp_path: Path) -> None:
    nlp = spacy.load(saved)
    component = nlp.get_pipe("trax_sentiment")
    component.cfg["weights_dtype"] = "float16"  # type: ignore[attr-defined]
    component.model.set_param("b", np.array([1e6, 0], dtype=np.float32))  # type: ignore[attr-defined]
    with pytest.raises(SentimentError, match="S074.*'b'"):
        nlp.to_disk(tmp_path / "m")


def test_files_that_do_not_fit_leave_the_model_unchanged(trained: Language) -> None:
    """The weights have rows for negated terms, for which the saved preprocessor has no ids."""
    nlp = spacy.blank("en")
    component = nlp.add_pipe("trax_sentiment")
    component.from_bytes(trained.get_pipe("trax_sentiment").to_bytes())  # type: ignore[attr-defined]
    model = component.model  # type: ignore[attr-defined]
    files = model_to_files(model, {"labels": ["negative", "positive"]})
    files["preprocessor.msgpack"] = SentimentTerms(negation_scope=0).to_bytes()
    names = [name for name in files if name != MANIFEST]
    files[MANIFEST] = manifest({name: files[name] for name in names}, {})
    before = nlp("not good, but I love it").cats
    preprocessor, settings = model.attrs["preprocessor"], model.attrs["preprocessor"].to_bytes()
    with pytest.raises(SentimentError, match=r"S073.*'E'"):
        model_from_files(model, files.__getitem__, "there")
    assert model.attrs["preprocessor"] is preprocessor
    assert preprocessor.to_bytes() == settings
    assert nlp("not good, but I love it").cats == before


def test_the_lexicon_travels_with_the_model(trained: Language, saved: Path) -> None:
    data = (saved / "trax_sentiment" / "preprocessor.msgpack").read_bytes()
    preprocessor = find_component(trained).model.attrs["preprocessor"]
    names = {"negation_scope", "bigram_buckets", "bigram_distance", "n_leanings", "concessions", "informal", "lang"}
    assert set(srsly.msgpack_loads(data)) == names | {"_words", "_file"}
    loaded = find_component(load(saved)).model.attrs["preprocessor"]
    assert loaded.to_bytes() == preprocessor.to_bytes() == data
    assert list(loaded.lexemes(TEXTS)) == list(preprocessor.lexemes(TEXTS))


def test_a_pipeline_is_loaded_the_same_as_by_spacy(trained: Language, tmp_path: Path) -> None:
    texts = ["gimme, it's :) don't", "I'm good :-)", "o.O xyzzy"]
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", source=trained)
    for case in (None, "xyzzy"):
        if case is not None:
            nlp.tokenizer.add_special_case(case, [{"ORTH": "xyz"}, {"ORTH": "zy"}])  # type: ignore[union-attr]
        save(nlp, tmp_path / f"m{case}")
        loaded, expected = load(tmp_path / f"m{case}"), spacy.load(tmp_path / f"m{case}")
        assert loaded.tokenizer.rules == expected.tokenizer.rules  # type: ignore[union-attr]
        for doc, other in zip(loaded.pipe(texts), expected.pipe(texts), strict=True):
            assert [token.text for token in doc] == [token.text for token in other]
            assert doc.cats == other.cats
        assert loaded.to_bytes() == expected.to_bytes()
