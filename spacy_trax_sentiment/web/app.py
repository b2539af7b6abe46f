"""A pipeline to an ASGI application: the page, and the JSON endpoints that it uses."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any, Literal, TypeVar

from spacy.language import Language

from ..about import __version__
from ..errors import Errors, MissingExtraError

try:
    from fastapi import FastAPI, Query, Request, Response
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect
except ImportError as error:
    raise MissingExtraError(Errors.S090.format(package=error.name or "fastapi", reason=error)) from error

from ..tables.scored import PREFIX
from . import schema
from .answers import Answering, parse_question
from .docs_page import docs_page
from .headers import SECURITY, SecurityHeaders
from .limits import NETWORK_LIMITS, Bodies, Limits, RefusedError, content_type, unsupported
from .table_answers import score_table

# Longer bodies are not even parsed on the event loop.
_QUICK_BYTES = 8_000
# Scoring holds Python's lock most of the time, so more threads would score no more texts, and slow other answers.
_N_THREADS = 2

_HTML = "text/html; charset=utf-8"

_SCRIPTS = ("page", "api", "columns", "target", "table")
_PAGE = {
    "/": ("index.html", _HTML),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8") for name in _SCRIPTS},
}

T = TypeVar("T")


def make_app(nlp: Language, *, name: str | None = None, limits: Limits | None = None) -> FastAPI:
    """Make the ASGI application that `trax-sentiment serve` runs.

    Args:
        nlp: A pipeline with a trained `trax_sentiment`. The application owns it: do not use it elsewhere meanwhile.
        name: The model's name. None makes one from the pipeline's language and name, as spaCy does.
        limits: The most that is accepted. None takes the defaults of `Limits`, or lower ones for a network.

    Returns:
        The application, for any ASGI server.

    Raises:
        SentimentError: If the pipeline has no such component.
        ValueError: If the component is not trained (spaCy's E109).
    """
    answering = Answering(nlp)
    limits = limits or (Limits() if answering.is_additive else NETWORK_LIMITS)
    app = FastAPI(
        title="spacy_trax_sentiment",
        version=__version__,
        description=schema.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(SecurityHeaders)
    _add_error_handlers(app)
    model = schema.Model(
        name=name or f"{nlp.meta['lang']}_{nlp.meta['name']}",
        labels=list(answering.labels),
        targets=answering.has_targets,
        version=__version__,
        limits=schema.ModelLimits(**vars(limits)),
    )
    _add_scoring(app, answering, limits)
    _add_status(app, model)
    _add_page(app)
    return app


def _add_scoring(app: FastAPI, answering: Answering, limits: Limits) -> None:
    bodies, pool = Bodies(limits), ThreadPoolExecutor(_N_THREADS, thread_name_prefix="trax-sentiment")

    def in_thread(function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(pool, function, *arguments)

    def answer(body: bytes) -> bytes:
        return answering.answer(parse_question(body, limits))

    @app.post("/v1/sentiment", **schema.SENTIMENT)
    async def sentiment(request: Request) -> Response:
        _require_type(request, ["application/json"])
        async with bodies.read(request) as body:
            if len(body) > _QUICK_BYTES:
                return _json(await in_thread(answer, body))
            question = parse_question(body, limits)
            if answering.is_quick(question):
                return _json(answering.answer(question))
            return _json(await in_thread(answering.answer, question))

    @app.post("/v1/table", **schema.TABLE)
    async def table(
        request: Request,
        text_column: str = Query("text", description="Column that holds the texts."),
        prefix: str = Query(PREFIX, max_length=200, description="Name of the new column; with _LABEL each label's."),
        format: Literal["json", "csv", "jsonl"] = Query("json", description=schema.TABLE_FORMAT),
    ) -> Response:
        read_as = schema.FORMAT_OF_TYPE[_require_type(request, schema.FORMAT_OF_TYPE)]
        async with bodies.read(request) as body:
            content = await in_thread(score_table, answering, body, read_as, text_column, prefix, format, limits)
        disposition = {} if format == "json" else {"Content-Disposition": f'attachment; filename="scored.{format}"'}
        return Response(content, media_type=schema.TYPE_OF_FORMAT[format], headers=disposition)


def _add_status(app: FastAPI, model: schema.Model) -> None:
    described = model.model_dump_json().encode()

    @app.get("/v1/model", summary="Get the model's labels and the limits", response_model=schema.Model)
    async def about_model() -> Response:
        return _json(described)

    @app.head("/health", include_in_schema=False)
    @app.get("/health", summary="Check that the server answers", response_model=schema.Health)
    async def health() -> Response:
        return _json(b'{"status":"ok"}')


def _add_page(app: FastAPI) -> None:
    folder = files(__package__) / "static"
    for path, (file, media_type) in _PAGE.items():
        content = (folder / file).read_bytes()
        app.add_route(path, _static(content, media_type), include_in_schema=False)
    app.add_route("/docs", _static(docs_page(app.openapi()).encode(), _HTML), include_in_schema=False)


def _static(content: bytes, media_type: str) -> Callable[[Request], Any]:
    async def get(request: Request) -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return get


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> Response:
        return _error(error.status, error.code, error.message)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return _error(422, "invalid_request", f"The parameter '{first['loc'][-1]}': {first['msg']}.")

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        codes = {404: "not_found", 405: "method_not_allowed"}
        messages = {
            404: "There is nothing here. /docs describes the endpoints.",
            405: f"The method {request.method} is not allowed here. /docs describes the endpoints.",
        }
        code = codes.get(error.status_code, "http_error")
        return _error(error.status_code, code, messages.get(error.status_code, str(error.detail)), error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return _error(400, "incomplete", "The body is incomplete.")

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return _error(500, "internal", "The server failed. Its log says why.", SECURITY)


def _require_type(request: Request, wanted: Collection[str]) -> str:
    """Return the content type of a request's body. Raises RefusedError if it is not one of those wanted."""
    found = content_type(request)
    if found not in wanted:
        raise unsupported(f"Send the header Content-Type: {', '.join(wanted)}.")
    return found


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    content = schema.ErrorAnswer(error=schema.ErrorDetail(code=code, message=message)).model_dump_json()
    return _json(content.encode(), status, headers)


def _json(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(content, status, headers, media_type="application/json")
