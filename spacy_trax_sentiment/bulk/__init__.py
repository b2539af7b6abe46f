"""Raw texts to probabilities, float32 (n_texts, n_labels), without Docs.

A text is split at white space into chunks. A new chunk goes down a ladder to the first rung that can tell its tokens:

1. the hash of the chunk, if it was seen before (`hashing.py`, `chunk_cache.py`);
2. the pattern of its bytes: a mention, a link, a number, or a word with at most one mark (`byte_patterns.py`);
3. the simple rules, one regular expression (`simple_tokens.py`);
4. spaCy's tokenizer (`chunk_tokenizer.py`).

What each rung is worth, in microseconds per tweet, by `benchmarks/ablation.py` on 45,366 tweets at first sight and
12,284 warm ones. VADER took 77 and 71 in the same run.

| taken out | first sight | warm |
|---|---|---|
| nothing | 26 | 3.9 |
| splitting and hashing as arrays | 35 | 10.8 |
| hash tables (dicts instead) | 35 | 7.2 |
| chunks remembered | 30 | 31 |
| mentions, links and numbers | 31 | 4.0 |
| words with a mark | 34 | 4.0 |
| simple rules | 43 | 4.1 |
| all but spaCy's tokenizer | 128 | 4.0 |

In reading order:

- `text_scorer.py`: `TextScorer`, and whether a pipeline's texts can be scored without Docs.
- `model_scorer.py`: the scores of one model, of which a cascade has two.
- `whitespace.py`, `hashing.py`: texts to chunks and their hashes.
- `chunk_cache.py`: the chunks that are remembered.
- `ladder.py`, `byte_patterns.py`, `simple_tokens.py`, `chunk_tokenizer.py`: the tokens of new chunks.
- `cases_across.py`: the few texts that must be tokenized whole.
"""
