"""The JSON of requests and answers, as models that check requests and describe all of it in OpenAPI."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator
from pydantic_core import PydanticCustomError

DESCRIPTION = "Sentiment of texts, with each token's exact contribution. Errors are JSON of the form `ErrorAnswer`."

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


class Question(BaseModel):
    """Texts to score: the body of `POST /v1/sentiment`."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["texts"]}]}
    )

    text: str = Field(default_factory=str, description="One text.")
    # Fail at the first error, because a body can have millions.
    texts: Annotated[list[str], FailFast()] = Field(default_factory=list, description="Or many texts.")
    contributions: bool = Field(False, description="Whether to return each token's contributions.")

    @model_validator(mode="after")
    def _has_texts(self) -> Self:
        if ("text" in self.model_fields_set) == ("texts" in self.model_fields_set):
            raise PydanticCustomError("fields", "Give one of the fields 'text' (a string) and 'texts' (strings)")
        return self

    def all_texts(self) -> list[str]:
        """Return the texts to score."""
        return self.texts if "texts" in self.model_fields_set else [self.text]


class ErrorDetail(BaseModel):
    """What is wrong with a request."""

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


class Result(BaseModel):
    """The sentiment of a text."""

    label: str = Field(description="The most probable label.")
    probability: float = Field(description="The probability of that label.")
    probabilities: dict[str, float] = Field(description="The probability of each label.")
    polarity: float | None = Field(
        description="The probability of positive less that of negative; null if the model lacks one of these labels."
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


class Answer(BaseModel):
    """The answer of `POST /v1/sentiment`."""

    labels: list[str]
    results: list[Result] = Field(description="One result per text, in order.")


class TextResult(Result):
    """The sentiment of a text, with the text."""

    text: str


class TableAnswer(BaseModel):
    """The answer of `POST /v1/table` in the format `json`."""

    labels: list[str]
    results: list[TextResult] = Field(description="One result per row, in order.")


def _errors(descriptions: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorAnswer, "description": text} for status, text in descriptions.items()}


def _request_body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


_ANSWER_EXAMPLE = {
    "labels": ["negative", "positive"],
    "results": [
        {
            "label": "positive",
            "probability": 0.95,
            "probabilities": {"negative": 0.05, "positive": 0.95},
            "polarity": 0.9,
            "log_odds": 2.944439,
        }
    ],
}

_QUESTION_EXAMPLES = {
    "one": {"value": {"text": "What a wonderful day", "contributions": True}},
    "many": {"value": {"texts": ["love it", "never again"]}},
}

SENTIMENT: dict[str, Any] = {
    "summary": "Score one or many texts",
    "description": "Numbers are rounded to six decimals, unless contributions are asked for. Lone surrogates in a text "
    "count as U+FFFD.",
    "response_model": Answer,
    "response_model_exclude_unset": True,
    "responses": {
        200: {"content": {"application/json": {"example": _ANSWER_EXAMPLE}}},
        **_errors(
            {
                400: "The body is not JSON.",
                413: "The body, a text or the number of texts exceeds the limits.",
                415: "The body's type is not application/json.",
                422: "The JSON is not such an object.",
                503: "Too many requests are waiting.",
            }
        ),
    },
    "openapi_extra": _request_body(
        {"application/json": {"schema": Question.model_json_schema(), "examples": _QUESTION_EXAMPLES}}
    ),
}
"""What OpenAPI says about `POST /v1/sentiment`."""

_FILE_EXAMPLES = {
    "csv": "id,text\n1,love it\n2,never again\n",
    "tsv": "id\ttext\n1\tlove it\n2\tnever again\n",
    "jsonl": '{"id": 1, "text": "love it"}\n{"id": 2, "text": "never again"}\n',
    "txt": "love it\nnever again\n",
}

_CSV_EXAMPLE = "text,sentiment,sentiment_negative,sentiment_positive\nlove it,positive,0.05,0.95"

TABLE: dict[str, Any] = {
    "summary": "Score the texts of a table",
    "description": "The body is the file itself, in UTF-8. In a CSV answer, an apostrophe is put before a cell that a "
    "spreadsheet would take for a formula.",
    "response_model": TableAnswer,
    "response_model_exclude_unset": True,
    "responses": {
        200: {"content": {"text/csv": {"example": _CSV_EXAMPLE}, "application/x-ndjson": {}}},
        **_errors(
            {
                413: "The body, a text, or the number of rows or columns exceeds the limits.",
                415: "The body's type is none of these.",
                422: "The table or a parameter cannot be used.",
                503: "Too many requests are waiting.",
            }
        ),
    },
    "openapi_extra": _request_body(
        {name: {"schema": {"type": "string"}, "example": _FILE_EXAMPLES[each]} for name, each in FORMAT_OF_TYPE.items()}
    ),
}
"""What OpenAPI says about `POST /v1/table`."""
