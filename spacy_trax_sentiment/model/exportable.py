"""Functions of JAX rewritten to operations that can be exported to ONNX for arrays of any length."""

from collections.abc import Callable, Sequence
from typing import Any


def rewritten(function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Return the function's values, computed by operations that can be exported.

    What the value does not depend on is left out: Trax's layers split random keys even when they predict. Matrix
    products become MatMul, whose weights ONNX Runtime packs (0.87 of the time that Einsum takes for an encoder; biases
    without Reshape, and LayerNormalization as one operator, gain less than 2%). Gradients pass what stops them in
    training, such as a frozen embedding, if the function is differentiated afterwards.
    """
    from .trax_backend import jax

    traced = jax.make_jaxpr(function)(*arguments)
    needed, _ = jax.interpreters.partial_eval.dce_jaxpr(traced.jaxpr, [True] * len(traced.out_avals), instantiate=True)
    return _run(needed, traced.consts, arguments)


def _run(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    """Evaluate a jaxpr, each operation by its rule, if there is one."""
    values: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))

    def read(variable: Any) -> Any:
        return variable.val if hasattr(variable, "val") else values[variable]  # a constant, or a name

    for equation in jaxpr.eqns:
        rule = _RULES.get(equation.primitive.name, _bind)
        results = rule(equation, [read(variable) for variable in equation.invars])
        values.update(zip(equation.outvars, results, strict=True))
    return [read(variable) for variable in jaxpr.outvars]


def _bind(equation: Any, arguments: list[Any]) -> list[Any]:
    parameters = equation.primitive.get_bind_params(equation.params)
    functions, parameters = parameters if isinstance(parameters, tuple) else ((), parameters)  # before JAX 0.10
    results = equation.primitive.bind(*functions, *arguments, **parameters)
    return list(results) if equation.primitive.multiple_results else [results]


def _inlined(equation: Any, arguments: list[Any]) -> list[Any]:
    inner = equation.params["jaxpr"]
    return _run(inner.jaxpr, inner.consts, arguments)


def _product(equation: Any, arguments: list[Any]) -> list[Any]:
    """A product of two arrays with at most one contracted axis, and one free axis of the second, as a MatMul."""
    from .trax_backend import jax

    (contracted, batch), (left, right) = equation.params["dimension_numbers"], arguments
    free = [
        [axis for axis in range(array.ndim) if axis not in (*contracted[i], *batch[i])]
        for i, array in enumerate(arguments)
    ]
    most_free_left = 1 if batch[0] else left.ndim
    if len(contracted[0]) > 1 or len(free[0]) > most_free_left or len(free[1]) > 1:
        return _bind(equation, arguments)
    left = jax.lax.transpose(left, (*batch[0], *free[0], *contracted[0]))
    right = jax.lax.transpose(right, (*batch[1], *contracted[1], *free[1]))
    if not contracted[0]:
        left, right = left[..., None], jax.numpy.expand_dims(right, len(batch[1]))
    # The axes that are missing have the length 1 meanwhile.
    added = [] if free[1] else [-1]
    right = right if free[1] else right[..., None]
    if not free[0]:
        left, added = jax.numpy.expand_dims(left, len(batch[0])), [*added, len(batch[0])]
    result = jax.numpy.matmul(left, right)
    return [jax.numpy.squeeze(result, axis=tuple(axis % result.ndim for axis in added)) if added else result]


def _convolution(equation: Any, arguments: list[Any]) -> list[Any]:
    """A convolution with any order of axes as one in ONNX's: texts, channels, places."""
    from .trax_backend import jax

    orders = equation.params["dimension_numbers"]
    left, right = (
        jax.lax.transpose(array, order)
        for array, order in zip(arguments, (orders.lhs_spec, orders.rhs_spec), strict=True)
    )
    usual = tuple(range(left.ndim))
    parameters = equation.params | {"dimension_numbers": type(orders)(usual, usual, usual)}
    result = equation.primitive.bind(left, right, **parameters)
    return [jax.lax.transpose(result, tuple(orders.out_spec.index(axis) for axis in usual))]


def _scan(equation: Any, arguments: list[Any]) -> list[Any]:
    """A loop written anew, from the start over flipped arrays if it begins at the end."""
    from .trax_backend import jax

    parameters, inner = equation.params, equation.params["jaxpr"]
    # From JAX 0.11 on, groups of operands are in place of their numbers.
    groups = parameters["ft_in"].unpack()[:2] if "ft_in" in parameters else ()
    n_fixed, n_carry = map(len, groups) if groups else (parameters["num_consts"], parameters["num_carry"])
    fixed, carried = arguments[:n_fixed], arguments[n_fixed : n_fixed + n_carry]

    def flipped(arrays: Sequence[Any]) -> list[Any]:
        return [jax.lax.rev(array, (0,)) for array in arrays] if parameters["reverse"] else list(arrays)

    def step(carry: list[Any], rows: list[Any]) -> tuple[list[Any], list[Any]]:
        results = _run(inner.jaxpr, inner.consts, [*fixed, *carry, *rows])
        return results[:n_carry], results[n_carry:]

    rows = flipped(arguments[n_fixed + n_carry :])
    # A length that is not a number yet may only be that of the rows.
    carried, results = jax.lax.scan(step, carried, rows, length=None if rows else parameters["length"])
    return [*carried, *flipped(results)]


def _with_own_slope(equation: Any, arguments: list[Any]) -> list[Any]:
    """Write exp(-x ** 2), the factor of erf's slope that JAX 0.12 computes on bits, as one exponential."""
    from .trax_backend import jax

    name = equation.params["call_jaxpr"].jaxpr.debug_info.func_name
    return [jax.numpy.exp(-(arguments[0] ** 2))] if name == "exp_neg_sq" else _bind(equation, arguments)


_RULES: dict[str, Callable[[Any, list[Any]], list[Any]]] = {
    "conv_general_dilated": _convolution,
    "custom_jvp_call": _with_own_slope,
    "dot_general": _product,
    "jit": _inlined,
    "pjit": _inlined,
    "scan": _scan,
    "stop_gradient": lambda equation, arguments: arguments,
}
