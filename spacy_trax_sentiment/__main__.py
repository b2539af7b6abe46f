"""`python -m spacy_trax_sentiment`: the console script `trax-sentiment`."""

from .cli import main

if __name__ == "__main__":
    main()
