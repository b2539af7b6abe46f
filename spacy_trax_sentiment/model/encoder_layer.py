"""A transformer encoder of Trax layers: a classifier on the mean of its outputs, and one on those of a target."""

from dataclasses import dataclass, field
from typing import Any

from ..text.vocabulary import PAD_ID
from .trax_layers import dropped

# The names of a block's weights, each with its place in BERT's layout.
BLOCK = {
    **{name: f"attention.self.{name}" for name in ("query", "key", "value")},
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "narrow": "output.dense",
    "norm": "output.LayerNorm",
}
_EPSILON = 1e-12  # of BERT's layer normalization
TARGET_HEAD = "W_target", "b_target"


@dataclass(frozen=True)
class EncoderLayer:
    """BERT's encoder (Devlin et al. 2019), the mean over the pieces of a text, and a dense layer. See `Encoder`.

    A block is self-attention and a feed-forward layer with GELU, normalized after each. With `target_head`, a second
    dense layer says what a text expresses toward a part of it, the target, from the mean of the target's vectors beside
    that of all. In training, the ids of the target's pieces are negative. Dropout is where BERT has it, but for the
    attention's weights: after the embedding, and before each sum; also before the dense layers.
    """

    width: int = 384
    n_blocks: int = 6
    n_heads: int = 12
    feed_forward_width: int = 1536
    max_length: int = 512
    frozen_embedding: bool = True
    target_head: bool = field(default=False, repr=False)  # layers without it are described as before there was one

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The names of the weights, in the order of the leaves of the Trax layer's weights."""
        blocks = (f"block_{i}_{name}" for i in range(self.n_blocks) for name in BLOCK)
        matrices = ("norm", *blocks)
        of_encoder = ("E", "positions", *(f"{name}{end}" for name in matrices for end in ("", "_bias")))
        return (*of_encoder, "W", "b", *(TARGET_HEAD if self.target_head else ()))

    def shapes(self, n_terms: int, n_labels: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights by name. Those of a block repeat, so Trax is not needed to know them."""
        wide = {"widen": (self.width, self.feed_forward_width), "narrow": (self.feed_forward_width, self.width)}
        ends: dict[str, tuple[int, ...]] = {"E": (n_terms, self.width), "positions": (self.max_length, self.width)}
        ends |= {"W": (self.width, n_labels), "b": (n_labels,)}
        ends |= {"W_target": (2 * self.width, n_labels), "b_target": (n_labels,)}
        shapes: dict[str, tuple[int, ...]] = {}
        for name in self.weight_names:
            kind = name.partition("_")[2].partition("_")[2] if name.startswith("block_") else name
            square = wide.get(kind.removesuffix("_bias"), (self.width, self.width))
            is_vector = kind.endswith(("_bias", "norm"))
            shapes[name] = ends.get(name) or (square[1:] if is_vector else square)
        return shapes

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        """Return the Trax layer: see `LayerFunction`."""
        from .trax_backend import fastmath, tl

        blocks = self.blocks(n_terms, dropout)
        if not self.target_head:
            mean = tl.Fn("MaskedMean", _masked_mean)
            return tl.Serial(*blocks, mean, *dropped(dropout), tl.Dense(n_labels), tl.LogSoftmax())
        return tl.Serial(
            tl.Branch(tl.Fn("Magnitude", abs), tl.Fn("IsTarget", lambda ids: ids < 0)),
            *blocks,
            tl.Fn("Means", _means, n_out=3),
            tl.Parallel(*(tl.Serial(*dropped(dropout), tl.Dense(n_labels)) for _ in range(2)), None),
            tl.Fn("OfTarget", lambda text, target, is_asked: fastmath.numpy.where(is_asked, target, text)),
            tl.LogSoftmax(),
        )

    @property
    def serving(self) -> "EncoderLayer | ServingLayer":
        """The layer whose graph serves."""
        return ServingLayer(self) if self.target_head else self

    def blocks(self, n_terms: int, dropout: float = 0) -> list[Any]:
        """Return layers from ids to vectors (n_texts, length, width), and to which ids are no padding."""
        from .trax_backend import jax, tl

        def norm() -> Any:
            return tl.LayerNorm(epsilon=_EPSILON)

        frozen = [tl.Fn("Frozen", jax.lax.stop_gradient)] if self.frozen_embedding else []
        pieces = tl.Serial(tl.Embedding(n_terms, self.width), *frozen)
        blocks = [
            [
                tl.Residual(tl.Attention(self.width, n_heads=self.n_heads, mode="eval"), *dropped(dropout)),
                norm(),
                tl.Residual(tl.Dense(self.feed_forward_width), tl.Gelu(), tl.Dense(self.width), *dropped(dropout)),
                norm(),
            ]
            for _ in range(self.n_blocks)
        ]
        vectors = tl.Serial(tl.Branch(pieces, _positions(self.max_length, self.width)), tl.Add())
        return [
            tl.Branch(vectors, tl.Fn("Real", lambda ids: (ids != PAD_ID)[:, None, None, :])),
            norm(),
            *dropped(dropout),
            *(layer for block in blocks for layer in block),
        ]


@dataclass(frozen=True)
class ServingLayer:
    """From ids to the log-probabilities of an encoder with a target head and its vectors (n_texts, length, width).

    Its weights are the encoder's but for the target head's, which needs no graph.
    """

    encoder: EncoderLayer

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The names of the weights, in the order of the leaves of the Trax layer's weights."""
        return self.encoder.weight_names[: -len(TARGET_HEAD)]

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        """Return the Trax layer: see `LayerFunction`."""
        from .trax_backend import tl

        mean = tl.Fn("MeanAndVectors", lambda x, real: (_masked_mean(x, real), x), n_out=2)
        return tl.Serial(*self.encoder.blocks(n_terms), mean, tl.Dense(n_labels), tl.LogSoftmax())


def _masked_mean(x: Any, real: Any) -> Any:
    """Return the mean of vectors (n_texts, length, width) over the places where `real` (n_texts, 1, 1, length) is."""
    return _mean_where(x, real[:, 0, 0, :])


def _means(x: Any, real: Any, is_target: Any) -> Any:
    """Return the mean over a text, that over its target beside it, and whether it has a target (n_texts, 1)."""
    from .trax_backend import fastmath

    of_text, of_target = _masked_mean(x, real), _mean_where(x, is_target)
    both = fastmath.numpy.concatenate([of_target, of_text], axis=-1)
    return of_text, both, is_target.any(axis=1, keepdims=True)


def _mean_where(x: Any, places: Any) -> Any:
    from .trax_backend import fastmath

    jnp, weights = fastmath.numpy, places.astype(x.dtype)
    return jnp.einsum("nlw,nl->nw", x, weights) / jnp.maximum(weights.sum(axis=1, keepdims=True), 1)


def _positions(max_length: int, width: int) -> Any:
    """Return a layer from ids (n_texts, length) to the learned vectors of their positions (n_texts, length, width)."""
    from .trax_backend import fastmath, jax, tl

    class Positions(tl.base.Layer):  # type: ignore[misc]
        def init_weights_and_state(self, input_signature: Any) -> None:
            self.weights = tl.RandomNormalInitializer(0.02)((max_length, width), self.rng)

        def forward(self, ids: Any) -> Any:
            # Not by slicing, which ONNX cannot do to a length that is not known yet.
            places = jax.lax.broadcasted_iota("int32", ids.shape, 1)
            return fastmath.numpy.take(self.weights, places, axis=0, mode="clip")

    return Positions(name="Positions")
