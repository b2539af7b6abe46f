"""A Doc to ids: preprocessors, vocabularies, and the cache of what each token stands for."""
