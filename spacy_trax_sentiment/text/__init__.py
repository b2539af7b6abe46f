"""Text to padded ids."""

from .preprocessing import Preprocessor, ProcessTweet, process_tweet, strip_emoticons
from .tensors import balanced_batches, bucket_length, data_generator, pad, shuffled_batches, tweet_to_tensor
from .vocabulary import build_vocabulary, terms_to_ids

__all__ = [
    "Preprocessor",
    "ProcessTweet",
    "balanced_batches",
    "bucket_length",
    "build_vocabulary",
    "data_generator",
    "pad",
    "process_tweet",
    "shuffled_batches",
    "strip_emoticons",
    "terms_to_ids",
    "tweet_to_tensor",
]
