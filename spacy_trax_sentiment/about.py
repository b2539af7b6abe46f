__version__ = "0.2.0"

# The weights that are used where none are named.
BUNDLED_MODEL = "en"
