"""Texts to terms: the seed's `process_tweet`, and the preprocessor that applies it to Docs."""

import re
import string
from collections.abc import Callable, Collection
from functools import lru_cache

import srsly
from spacy.tokens import Doc

from ..errors import Errors, SentimentError
from .nltk_data import load_corpus
from .preprocessor import saved_with_model

_TICKER = re.compile(r"\$\w*")
_RETWEET = re.compile(r"^RT\s+")
_HYPERLINK = re.compile(r"https?://.*[\r\n]*")


def process_tweet(tweet: str, stop_words: Collection[str] | None = None) -> list[str]:
    """Return the terms of a tweet as the seed does, without `stop_words` (by default NLTK's English ones).

    Drop stock tickers, a leading `RT`, hyperlinks to the end of their line, and the `#` sign. Tokenize with NLTK's
    `TweetTokenizer`, which lower-cases, drops mentions and shortens elongations. Drop stop words and punctuation, and
    stem the rest with Porter's stemmer. If NLTK's tokenizer gives up after some seconds, SentimentError is raised.
    """
    if stop_words is None:
        stop_words = english_stop_words()
    for pattern in (_TICKER, _RETWEET, _HYPERLINK):
        tweet = pattern.sub("", tweet)
    tokenize, stem = _tokenizer_and_stemmer()
    try:
        words = tokenize(tweet.replace("#", ""))
    except TimeoutError as error:  # NLTK 3.10 and later; earlier ones went on for minutes
        raise SentimentError(Errors.S052.format(n_chars=len(tweet), reason=str(error).rstrip("."))) from None
    # A substring test, as the seed's vocabulary shows: "()" is in string.punctuation, too.
    return [stem(word) for word in words if word not in stop_words and word not in string.punctuation]


@lru_cache(maxsize=1)
def english_stop_words() -> frozenset[str]:
    """Return NLTK's English stop words, or raise SentimentError if they cannot be had."""
    return frozenset(load_corpus("stopwords").words("english"))


def strip_emoticons(text: str) -> str:
    """Return the text without the emoticons that NLTK's tweet tokenizer knows, and without spare spaces."""
    return " ".join(_emoticon_pattern().sub(" ", text).split())


@lru_cache(maxsize=1)
def _emoticon_pattern() -> re.Pattern[str]:  # named, so that the test of all patterns finds it
    from nltk.tokenize import casual

    return re.compile(casual.EMOTICONS, re.VERBOSE | re.IGNORECASE)


@saved_with_model
class ProcessTweet:
    """The course notebook's preprocessor: `process_tweet` on the Doc's text.

    Registered as `spacy_trax_sentiment.ProcessTweet.v1`.
    """

    def __init__(self, stop_words: list[str] | None = None) -> None:
        """Take the words to drop: None for NLTK's English list, read when training begins and saved with the model."""
        self.stop_words = None if stop_words is None else frozenset(stop_words)

    def __call__(self, doc: Doc) -> list[str]:
        return process_tweet(doc.text, self.stop_words)

    def initialize(self) -> None:
        """Read NLTK's stop words, unless a list was given."""
        if self.stop_words is None:
            self.stop_words = english_stop_words()

    def to_bytes(self) -> bytes:
        stop_words = None if self.stop_words is None else sorted(self.stop_words)
        return bytes(srsly.msgpack_dumps({"stop_words": stop_words}))

    def from_bytes(self, data: bytes) -> "ProcessTweet":
        stop_words = srsly.msgpack_loads(data)["stop_words"]
        self.stop_words = None if stop_words is None else frozenset(stop_words)
        return self


@lru_cache(maxsize=1)
def _tokenizer_and_stemmer() -> tuple[Callable[[str], list[str]], Callable[[str], str]]:
    # Importing nltk takes most of a second, which serving another preprocessor should not pay.
    from nltk.stem import PorterStemmer
    from nltk.tokenize import TweetTokenizer

    tokenizer = TweetTokenizer(preserve_case=False, strip_handles=True, reduce_len=True)
    return tokenizer.tokenize, lru_cache(maxsize=1 << 16)(PorterStemmer().stem)
