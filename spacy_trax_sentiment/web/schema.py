"""What OpenAPI says of the endpoints. FastAPI would check by it too, but takes longer than scoring does."""

from typing import Any

from pydantic import BaseModel, Field

from .table_answers import FORMAT_OF_TYPE

DESCRIPTION = "Sentiment of texts, with each token's exact share in it. Errors are JSON, as `ErrorAnswer`."

TABLE_FORMAT = "The answer: `json`, the texts with their results; `csv` or `jsonl`, the table with columns added."


class ErrorDetail(BaseModel):
    code: str = Field(description="What to tell errors apart by.", examples=["invalid_request"])
    message: str = Field(description="What is wrong, and what to do: one line, for people.")


class ErrorAnswer(BaseModel):
    error: ErrorDetail


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class ModelLimits(BaseModel):
    body_bytes: int = Field(description="Bytes of a request's body.")
    texts: int = Field(description="Texts of a request.")
    text_chars: int = Field(description="Characters (Unicode code points) of a text.")
    explained_texts: int = Field(description="Texts of a request with contributions.")
    explained_chars: int = Field(description="Characters of all texts of a request with contributions.")
    rows: int = Field(description="Rows of a table.")
    columns: int = Field(description="Columns of a table.")


class Model(BaseModel):
    name: str
    labels: list[str] = Field(description="In the order in which probabilities are given.")
    version: str = Field(description="That of spacy_trax_sentiment.")
    limits: ModelLimits


class Token(BaseModel):
    text: str
    start: int = Field(description="Where it begins in the text, in Unicode code points.")
    end: int
    whitespace: bool = Field(description="Whether a space follows.")
    contribution: float | dict[str, float] = Field(
        description="Its share of the score, in log-odds; of more than two labels, its share of each."
    )
    negated: bool = Field(description="Whether a negation reaches it.")


class Result(BaseModel):
    label: str = Field(description="The most probable label.")
    probability: float = Field(description="The probability of that label.")
    score: float | None = Field(
        description="The log-odds (natural logarithm) of positive against negative; null without such labels."
    )
    probabilities: dict[str, float] = Field(description="Of each label.")
    bias: float | dict[str, float] | None = Field(
        None,
        description="With contributions: what no token has a share in. With the contributions it sums to the score.",
    )
    tokens: list[Token] | None = Field(None, description="With contributions: the text's tokens.")


class Answer(BaseModel):
    labels: list[str]
    results: list[Result] = Field(description="One a text, in order.")


class TextResult(Result):
    text: str


class TableAnswer(BaseModel):
    labels: list[str]
    results: list[TextResult] = Field(description="One a row, in order.")


def _errors(codes: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorAnswer, "description": text} for status, text in codes.items()}


_ANSWER_EXAMPLE = {
    "labels": ["negative", "positive"],
    "results": [
        {
            "label": "positive",
            "probability": 0.95,
            "score": 2.944439,
            "probabilities": {"negative": 0.05, "positive": 0.95},
        }
    ],
}

SENTIMENT: dict[str, Any] = {
    "summary": "The sentiment of one or many texts",
    "description": "Lone surrogates in a text count as U+FFFD. With contributions, numbers are not rounded.",
    "response_model": Answer,
    "response_model_exclude_unset": True,
    "responses": {
        200: {"content": {"application/json": {"example": _ANSWER_EXAMPLE}}},
        **_errors(
            {
                400: "The body is not JSON.",
                413: "The body, a text, or the number of texts is over the limits.",
                415: "The body's type is not application/json.",
                422: "The JSON is not such an object.",
                503: "Too many requests are waiting.",
            }
        ),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "text": {"type": "string", "description": "The text."},
                            "texts": {"type": "array", "items": {"type": "string"}, "description": "Or the texts."},
                            "contributions": {
                                "type": "boolean",
                                "default": False,
                                "description": "Whether to tell each token's share.",
                            },
                        },
                        "oneOf": [{"required": ["text"]}, {"required": ["texts"]}],
                    },
                    "examples": {
                        "one": {"value": {"text": "What a wonderful day", "contributions": True}},
                        "many": {"value": {"texts": ["love it", "never again"]}},
                    },
                }
            },
        }
    },
}

_FILE_EXAMPLES = {
    "csv": "id,text\n1,love it\n2,never again\n",
    "tsv": "id\ttext\n1\tlove it\n2\tnever again\n",
    "jsonl": '{"id": 1, "text": "love it"}\n{"id": 2, "text": "never again"}\n',
    "txt": "love it\nnever again\n",
}

TABLE: dict[str, Any] = {
    "summary": "The sentiment of the texts of a table",
    "description": "The body is the file itself, in UTF-8. In a CSV that is answered, a cell that a spreadsheet would "
    "take for a formula stands after an apostrophe.",
    "response_model": TableAnswer,
    "response_model_exclude_unset": True,
    "responses": {
        200: {
            "content": {
                "text/csv": {
                    "example": "text,sentiment,sentiment_negative,sentiment_positive\nlove it,positive,0.05,0.95"
                },
                "application/x-ndjson": {},
            }
        },
        **_errors(
            {
                413: "The body, a text, or the number of rows or columns is over the limits.",
                415: "The body's type is none of these.",
                422: "The table or a parameter cannot be used.",
                503: "Too many requests are waiting.",
            }
        ),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                name: {"schema": {"type": "string"}, "example": _FILE_EXAMPLES[format]}
                for name, format in FORMAT_OF_TYPE.items()
            },
        }
    },
}
