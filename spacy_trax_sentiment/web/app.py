"""A pipeline to an ASGI application: the page, and the JSON endpoint that it uses."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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

from . import schema
from .answers import Answering, parse_question
from .headers import SECURITY, SecurityHeaders
from .limits import Bodies, Limits, RefusedError, content_type
from .table_answers import FORMAT_OF_TYPE, TYPE_OF_FORMAT, score_table

# Shorter bodies, of some 1,000 tweets, take 10 ms, or 50 ms at first sight: others can wait that long, and handing them
# to a thread and back takes time too.
_QUICK_BYTES = 150_000
# Scoring holds Python's lock but for a part: more threads would not score more texts, and would keep the server from
# answering others.
_N_THREADS = 2

_PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/api.js": ("api.js", "text/javascript; charset=utf-8"),
    "/table.js": ("table.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}

T = TypeVar("T")


def make_app(nlp: Language, *, name: str | None = None, limits: Limits | None = None) -> FastAPI:
    """Make the application that `trax-sentiment serve` runs. Any ASGI server takes it.

    nlp: A pipeline with a trained `trax_sentiment`. It is the application's: do not use it elsewhere meanwhile.
    name: What the model is called. None: by the pipeline's language and name, as spaCy has it.
    limits: What is taken at the most. None: the defaults of `Limits`.

    Raises SentimentError where the pipeline has no such component, ValueError (spaCy's E109) where that is not trained.
    """
    limits = limits or Limits()
    answering, bodies = Answering(nlp), Bodies(limits)
    in_thread = _Threads()
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
    _add_page(app)

    @app.get("/health", summary="Whether the server answers", response_model=schema.Health)
    async def health() -> Response:
        return _json(b'{"status":"ok"}')

    model = schema.Model(
        name=name or f"{nlp.meta['lang']}_{nlp.meta['name']}",
        labels=list(answering.labels),
        version=__version__,
        limits=schema.ModelLimits(**vars(limits)),
    ).model_dump_json()

    @app.get("/v1/model", summary="The model's labels, and the limits", response_model=schema.Model)
    async def about_model() -> Response:
        return _json(model.encode())

    @app.post("/v1/sentiment", **schema.SENTIMENT)
    async def sentiment(request: Request) -> Response:
        if content_type(request) != "application/json":
            raise _unsupported("application/json")

        def answer(body: bytes) -> bytes:
            return answering.answer(parse_question(body, limits))

        async with bodies.read(request) as body:
            if len(body) > _QUICK_BYTES or not answering.is_quick:
                return _json(await in_thread(answer, body))
            question = parse_question(body, limits)
            if question.contributions:
                return _json(await in_thread(answering.answer, question))
            return _json(answering.answer(question))

    @app.post("/v1/table", **schema.TABLE)
    async def table(
        request: Request,
        text_column: str = Query("text", description="The column that holds the texts."),
        format: Literal["json", "csv", "jsonl"] = Query("json", description=schema.TABLE_FORMAT),
    ) -> Response:
        read_as = FORMAT_OF_TYPE.get(content_type(request))
        if read_as is None:
            raise _unsupported(", ".join(FORMAT_OF_TYPE))
        async with bodies.read(request) as body:
            work = partial(score_table, answering, body, read_as, text_column, format, limits)
            content = await in_thread(work)
        disposition = {} if format == "json" else {"Content-Disposition": f'attachment; filename="scored.{format}"'}
        return Response(content, media_type=TYPE_OF_FORMAT[format], headers=disposition)

    return app


class _Threads:
    """Runs functions in threads, so that the server can answer others meanwhile."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_N_THREADS, thread_name_prefix="trax-sentiment")

    async def __call__(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def _add_page(app: FastAPI) -> None:
    folder = files(__package__) / "static"
    for path, (file, media_type) in _PAGE.items():
        content = (folder / file).read_bytes()
        app.add_route(path, _static(content, media_type), include_in_schema=False)


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
            404: "There is nothing here. The endpoints are described at /openapi.json.",
            405: f"This cannot be asked by {request.method}.",
        }
        code = codes.get(error.status_code, "http_error")
        return _error(error.status_code, code, messages.get(error.status_code, str(error.detail)), error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return _error(400, "incomplete", "The body broke off.")  # which hardly anyone will read

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return _error(500, "internal", "The server failed. What failed stands in its log.", SECURITY)


def _unsupported(wanted: str) -> RefusedError:
    return RefusedError(415, "unsupported_media_type", f"Send the header Content-Type: {wanted}.")


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    content = schema.ErrorAnswer(error=schema.ErrorDetail(code=code, message=message)).model_dump_json()
    return _json(content.encode(), status, headers)


def _json(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(content, status, headers, media_type="application/json")


__all__ = ["Limits", "make_app"]
