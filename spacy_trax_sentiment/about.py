__version__ = "0.1.0"

# The weights that are used where none are named.
BUNDLED_MODEL = "en"
