"""The OpenAPI description to a page of plain HTML, which needs no script and loads nothing from elsewhere."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment

_PAGE = (files("spacy_trax_sentiment.web") / "docs.html").read_text("utf8")


def docs_page(description: dict[str, Any]) -> str:
    """Return the page of an application's OpenAPI description."""
    operations = [
        (path, method.upper(), operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    # FastAPI describes errors of its own, which this application answers as an ErrorAnswer.
    schemas = [
        (name, schema)
        for name, schema in description["components"]["schemas"].items()
        if not name.endswith("ValidationError")
    ]
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"examples": _examples, "type_of": _type}
    page = environment.from_string(_PAGE)
    return page.render(info=description["info"], operations=operations, schemas=schemas).strip()


def _examples(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield titles and texts of the requests and answers that the description has examples of."""
    bodies = operation.get("requestBody", {"content": {}}), operation["responses"]["200"]
    for title, body in zip(("Request", "Answer"), bodies, strict=True):
        for media_type, content in body["content"].items():
            named = [each["value"] for each in content.get("examples", {}).values()]
            for example in named or ([content["example"]] if "example" in content else []):
                yield f"{title}, {media_type}", example if isinstance(example, str) else json.dumps(example, indent=2)


def _type(schema: dict[str, Any]) -> str:
    """Return a schema's type in words, such as "list of string"."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(schema["enum"])
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"{_type(schema['additionalProperties'])} by label"
    return str(schema["type"])
