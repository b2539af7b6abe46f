"""Files of rows, in and out. Nothing here knows spaCy or the model."""
