"""The JSON of requests and answers, as models that check requests and describe all of it in OpenAPI."""

import json
from importlib.resources import files
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator
from pydantic_core import PydanticCustomError

DESCRIPTION = "Sentiment of texts, with each token's contribution. Errors are JSON of the form `ErrorAnswer`."

TABLE_FORMAT = (
    "Format of the answer: `json` for the texts with their results, `csv` or `jsonl` for the table with added columns."
)

FORMAT_OF_TYPE = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/x-jsonlines": "jsonl",
    "text/plain": "txt",
}
"""The formats of tables by content type. In text/plain, each line is a text."""

TYPE_OF_FORMAT = {"json": "application/json", "csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
"""The content types of answers about tables, by format."""


Offsets = Annotated[list[int], Field(min_length=2, max_length=2)]


class Question(BaseModel):
    """Texts to score: the body of `POST /v1/sentiment`."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["texts"]}]}
    )

    text: str = Field(default_factory=str, description="One text.")
    # Fail at the first error, because a body can have millions.
    texts: Annotated[list[str], FailFast()] = Field(default_factory=list, description="Or many texts.")
    contributions: bool = Field(False, description="Whether to return each token's contributions.")
    targets: Annotated[list[Annotated[list[Offsets], FailFast()]], FailFast()] = Field(
        default_factory=list,
        description="For each text its targets, each from its first character (Unicode code point) to before another."
        " Only for a model that can score targets.",
    )

    @model_validator(mode="after")
    def _has_texts(self) -> Self:
        if ("text" in self.model_fields_set) == ("texts" in self.model_fields_set):
            raise PydanticCustomError("fields", "Give one of the fields 'text' (a string) and 'texts' (strings)")
        return self

    def all_texts(self) -> list[str]:
        """Return the texts to score."""
        return self.texts if "texts" in self.model_fields_set else [self.text]

    def all_targets(self) -> list[list[list[int]]] | None:
        """Return the targets of each text, None if none are asked for."""
        return self.targets if "targets" in self.model_fields_set else None


class ErrorDetail(BaseModel):
    """The fault of a request."""

    code: str = Field(description="A word that programs can tell errors apart by.", examples=["invalid_request"])
    message: str = Field(description="What is wrong and what to do, in one line for people.")


class ErrorAnswer(BaseModel):
    """The answer to a request that is refused."""

    error: ErrorDetail


class Health(BaseModel):
    """The answer of `GET /health`."""

    status: str = Field(examples=["ok"])


class ModelLimits(BaseModel):
    """The most that the server accepts."""

    body_bytes: int = Field(description="Bytes of a request's body.")
    texts: int = Field(description="Texts per request.")
    text_chars: int = Field(description="Characters (Unicode code points) per text.")
    explained_texts: int = Field(description="Texts per request with contributions.")
    explained_chars: int = Field(description="Characters of all texts of a request with contributions.")
    rows: int = Field(description="Rows of a table.")
    columns: int = Field(description="Columns of a table.")


class Model(BaseModel):
    """The answer of `GET /v1/model`."""

    name: str
    labels: list[str] = Field(description="The labels, in the order of the probabilities.")
    targets: bool = Field(description="Whether the model scores targets.")
    version: str = Field(description="The version of spacy_trax_sentiment.")
    limits: ModelLimits


class Token(BaseModel):
    """A token of a text."""

    text: str
    start: int = Field(description="Where the token starts in the text, in Unicode code points.")
    end: int = Field(description="Where it ends.")
    whitespace: bool = Field(description="Whether a space follows.")
    negated: bool = Field(description="Whether a negation applies to the token.")
    contributions: dict[str, float] = Field(description="The token's part of each label's log-probability.")


class TargetResult(BaseModel):
    """The sentiment of a text toward a target in it."""

    start: int = Field(description="The target's first character.")
    end: int = Field(description="The one after its last.")
    label: str | None = Field(
        description="The most probable label. If all are equally probable, it is neutral, or null if the model has no"
        " such label."
    )
    probability: float | None = Field(description="The probability of that label; null if the label is.")
    probabilities: dict[str, float] = Field(description="The probability of each label.")
    polarity: float | None = Field(description="As in Result.")


class Result(BaseModel):
    """The sentiment of a text."""

    label: str | None = Field(
        description="The most probable label. If the model recognizes nothing in the text, it is neutral, or null if"
        " the model has no such label."
    )
    probability: float | None = Field(description="The probability of that label; null if the label is.")
    probabilities: dict[str, float] = Field(description="The probability of each label.")
    polarity: float | None = Field(
        description="The probability of positive minus that of negative; null if the model lacks one of these labels."
    )
    log_odds: float | None = Field(
        description="The log-odds (natural logarithm) of positive against negative; null likewise."
    )
    bias: dict[str, float] | None = Field(
        None,
        description="With contributions only, as the fields below: what no token contributes. For each label, the bias "
        "and the contributions sum to its log-probability less the mean of all labels' log-probabilities.",
    )
    n_known: int | None = Field(None, description="The number of tokens that count as evidence.")
    tokens: list[Token] | None = Field(None, description="The text's tokens.")
    targets: list[TargetResult] | None = Field(None, description="With targets only: one result per target, in order.")


class Answer(BaseModel):
    """The answer of `POST /v1/sentiment`."""

    labels: list[str]
    results: list[Result] = Field(description="One result per text, in order.")


class TextResult(Result):
    """The sentiment of a row's text, with the text. All is null in a row whose text is empty or only white space."""

    text: str
    probabilities: dict[str, float | None]  # type: ignore[assignment]


class TableAnswer(BaseModel):
    """The answer of `POST /v1/table` in the format `json`."""

    labels: list[str]
    results: list[TextResult] = Field(description="One result per row, in order.")


_TEXTS: dict[str, Any] = json.loads((files("spacy_trax_sentiment.web") / "openapi.json").read_text("utf8"))


def _endpoint(name: str, answer: type[BaseModel], body: dict[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI says about an endpoint: its texts and examples, its answer, and the schema of its body."""
    texts = _TEXTS[name]
    errors = {int(code): {"model": ErrorAnswer, "description": text} for code, text in texts["errors"].items()}
    content = {media_type: {"schema": body, **example} for media_type, example in texts["requests"].items()}
    return {
        "summary": texts["summary"],
        "description": texts["description"],
        "response_model": answer,
        "response_model_exclude_unset": True,
        "responses": {200: {"content": texts["answers"]}, **errors},
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
    }


SENTIMENT = _endpoint("sentiment", Answer, Question.model_json_schema())
TABLE = _endpoint("table", TableAnswer, {"type": "string"})
