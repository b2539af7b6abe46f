"""The contextual classifier: a transformer encoder of Trax layers, and its start from BERT's files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, SentimentError, reason_of
from ..storage.safetensors import read_safetensors
from ..text.arrays import Array
from ..text.piece_files import embedding_rows
from ..text.preprocessor import Preprocessor
from ..text.resources import find_resource
from .custom_layer import TraxLayer
from .encoder_layer import BLOCK, EncoderLayer

_EMBEDDINGS = "embeddings.word_embeddings.weight"
_POSITIONS = "embeddings.position_embeddings.weight"
_TOKEN_TYPES = "embeddings.token_type_embeddings.weight"
_NORM = "embeddings.LayerNorm"


@dataclass(frozen=True)
class Start:
    """Weights to start from: BERT's, in a safetensors file beside its `vocab.txt` or `tokenizer.json`.

    Attributes:
        path: The file: a path, or `package:path` for one in an installed package.
        sha256: The checksum that it must have; None for any.
    """

    path: str
    sha256: str | None = None

    def __call__(
        self, layer: EncoderLayer, weights: Mapping[str, Array], vocabulary: Mapping[str, int], source: str | None
    ) -> dict[str, Array]:
        """Return a layer's weights by name, those of its encoder from the file.

        `source` is the file that the preprocessor read its pieces from. It counts if none lies beside the weights.

        Raises:
            SentimentError: The file cannot be used, or does not fit the layer or the vocabulary.
        """
        path = find_resource(self.path)
        try:
            found = read_safetensors(path, self.sha256)
            sizes = [len(found.get(name, ())) for name in (_POSITIONS, _TOKEN_TYPES)]
            if sizes == [514, 1] or any(name.startswith("roberta.") for name in found):  # the first is without a head
                raise SentimentError(Errors.S229.format(path=self.path))
            rows = embedding_rows(vocabulary, _piece_file(path, source))
            return dict(weights) | _from_bert(found, layer, rows, weights)
        except (OSError, KeyError, ValueError) as error:
            if isinstance(error, SentimentError):
                raise
            reason = f"{error} is missing" if isinstance(error, KeyError) else reason_of(error)
            raise SentimentError(Errors.S056.format(path=self.path, reason=reason)) from None


def Encoder(  # noqa: N802 (named as it is registered)
    preprocessor: Preprocessor,
    *,
    width: int = 384,
    n_blocks: int = 6,
    n_heads: int = 12,
    feed_forward_width: int = 1536,
    max_length: int = 512,
    frozen_embedding: bool = True,
    target_head: bool = False,
    start: str | None = None,
    start_sha256: str | None = None,
    nO: int | None = None,
) -> Model[list[Doc], Floats2d]:
    """Build the contextual classifier. Registered as the architecture `spacy_trax_sentiment.Encoder.v1`.

    Args:
        preprocessor: Turns a Doc into pieces: `WordPieces.v1`, or `UnigramPieces.v1` for multilingual encoders.
        width: The size of each piece's vector.
        n_blocks: The number of blocks.
        n_heads: The number of attention heads of a block, a divisor of the width.
        feed_forward_width: The units of a block's feed-forward layer.
        max_length: The number of positions; later ones share the last.
        frozen_embedding: Whether the pieces' embedding keeps its start while the rest is trained.
        target_head: Whether it also says what a text expresses toward a target: see `span._.target_sentiment`.
        start: A safetensors file in BERT's layout to start from, with its `vocab.txt` or `tokenizer.json` beside it: a
            path, or `package:path` for one in an installed package. None for random weights.
        start_sha256: The checksum that the file must have; None for any.
        nO: The number of labels, if it is known beforehand.

    Returns:
        A model like that of `TraxLayer`.

    Raises:
        SentimentError: A size is out of range.
    """
    layer = EncoderLayer(width, n_blocks, n_heads, feed_forward_width, max_length, frozen_embedding, target_head)
    for name in ("n_heads", "width", "n_blocks", "feed_forward_width", "max_length"):
        value = getattr(layer, name)
        if value < 1 or (name == "width" and value % n_heads):
            wanted = "a multiple of n_heads" if name == "width" else "a number of at least 1"
            raise SentimentError(Errors.S021.format(name=name, value=value, wanted=wanted))
    model = TraxLayer(preprocessor, layer, nO=nO)
    model.attrs["start"] = None if start is None else Start(start, start_sha256)
    return model


def is_encoder(model: Model[Any, Any]) -> bool:
    """Return whether the model was made by `Encoder`."""
    return isinstance(model.attrs.get("layer"), EncoderLayer)


def _piece_file(weights: Path, source: str | None) -> str:
    """Return the file that numbers the embedding's rows: beside the weights, of the preprocessor's kind first."""
    beside = [weights.with_name("vocab.txt"), weights.with_name("tokenizer.json")]
    beside.sort(key=lambda path: path.suffix != Path(source or "").suffix)
    found = next((str(path) for path in beside if path.is_file()), source)
    if found is None or not find_resource(found).is_file():
        raise SentimentError(Errors.S228.format(path=weights, first=beside[0].name, second=beside[1].name))
    return found


def _from_bert(
    found: Mapping[str, Array], layer: EncoderLayer, rows: Array, weights: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the encoder's weights by our names, from those by BERT's, or raise KeyError or ValueError."""
    prefix = "bert." if f"bert.{_EMBEDDINGS}" in found else ""
    if rows.max() >= len(found[prefix + _EMBEDDINGS]):
        raise ValueError(f"its embedding has {len(found[prefix + _EMBEDDINGS])} rows, too few for the file of pieces")
    # All pieces are of the first type here, so its vector is added to the positions once and for all.
    started = {
        "E": found[prefix + _EMBEDDINGS][rows],
        "positions": found[prefix + _POSITIONS][: layer.max_length] + found[prefix + _TOKEN_TYPES][0],
    }
    places = {"norm": _NORM}
    for i in range(layer.n_blocks):
        places |= {f"block_{i}_{name}": f"encoder.layer.{i}.{place}" for name, place in BLOCK.items()}
    for name, place in places.items():
        # BERT's matrices are (units, inputs), Trax's (inputs, units).
        started[name] = found[f"{prefix}{place}.weight"].T
        started[f"{name}_bias"] = found[f"{prefix}{place}.bias"]
    for name, value in started.items():
        if value.shape != weights[name].shape:
            raise ValueError(f"'{name}' is {value.shape}, and the config says {weights[name].shape}")
    return started
