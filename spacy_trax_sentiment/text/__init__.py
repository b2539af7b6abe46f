"""A Doc to ids: preprocessors, vocabularies, and the cache of what each token stands for.

preprocessor.py: the interface of a preprocessor, and what a token can stand for.
token_preprocessor.py: the base of preprocessors that work token by token; adapts any other.
sentiment_terms.py: a token to stems, forms, prefixes and lexicon classes.
word_pieces.py: a token to the longest pieces of a subword vocabulary.
unigram_pieces.py: a token to the most probable pieces of a SentencePiece vocabulary.
piece_files.py: a file of such pieces to their order, scores and special names.
plain_words.py: what is typical of messages to plain words.
lexicon.py: a word to its opinion and valence.
wordlists.py: words that are treated alike.
reading.py: a text to whether it calls for a model that reads.
process_tweet.py: the seed's preprocessor.
nltk_data.py: NLTK's corpora, for training only.
vocabulary.py: terms to ids.
lexeme_cache.py: each distinct token to its ids, computed once.
features.py: the tokens of a batch to ids, with negation, pairs and contrast.
arrays.py: values of many texts side by side.
hash_table.py: a hash table that is looked up a batch at a time.
"""
