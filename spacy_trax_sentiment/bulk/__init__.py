"""Raw texts to probabilities (n_texts, n_labels) without Docs.

A chunk between white space is looked up by its hash. The tokens of a new chunk are found by the first rung that can
tell. Per rung: microseconds per text that it saves at first sight of 45,366 tweets, of 28; then warm, of 4
(`benchmarks/ablation.py`; VADER takes 78 and 73).

- text_scorer.py: the public class
- whitespace.py, hashing.py: texts to chunks and their hashes, as arrays (8; 7)
- chunk_cache.py: the tokens of chunks seen before (2; 28)
- ladder.py: the rungs below, in order; words of a batch side by side (13; 0)
- byte_patterns.py: mentions, links and numbers, by their bytes (4; 0), then words with at most one mark (6; 0)
- simple_tokens.py: spaCy's rules for simple chunks, in Python (15; 0)
- chunk_tokenizer.py: spaCy's own tokenizer, the last rung. Alone it takes 124.
- cases_across.py: finds texts with a special case across white space, which are tokenized whole
"""
