"""The application asked without a network, and what its refusals look like."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Ask = Callable[..., Any]

JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}
TEXTS = ["I love it", "not good at all", "", "a table", "so\nawful :( 😀", "never again, boring"]


def asking(app: Any) -> Ask:
    """Return a function that sends the application a request and returns its response."""
    import httpx

    def ask(method: str, path: str, **options: Any) -> Any:
        async def send() -> Any:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", trust_env=False) as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    return ask


def refused(response: Any, status: int, code: str) -> str:
    """Check that a response is an error of the documented form, and return its message."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    (error,) = response.json().values()
    assert error.keys() == {"code", "message"}
    assert error["code"] == code
    assert "\n" not in error["message"]
    return str(error["message"])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
QUESTIONS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(st.characters(codec=None)) | VALUES,
        "texts": st.lists(st.text(st.characters(codec=None)), max_size=5) | VALUES,
        "targets": st.lists(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2)), max_size=2) | VALUES,
        "contributions": st.booleans() | VALUES,
        "more": VALUES,
    },
)
