"""Preprocessors to bytes in a saved Thinc model."""

from typing import Any, TypeVar

from thinc.model import Model, deserialize_attr, serialize_attr

T = TypeVar("T", bound=type)


def saved_with_model(preprocessor: T) -> T:
    """Decorate a class that has `to_bytes` and `from_bytes`: Thinc then saves it, and its subclasses, by them."""
    serialize_attr.register(preprocessor, _serialize)
    deserialize_attr.register(preprocessor, _deserialize)
    return preprocessor


def _serialize(_: Any, value: Any, name: str, model: Model[Any, Any]) -> bytes:
    return bytes(value.to_bytes())


def _deserialize(default: Any, value: bytes, name: str, model: Model[Any, Any]) -> Any:
    return default.from_bytes(value)
