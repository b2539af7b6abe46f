"""Find files named by a path, or by `package:path` for one in an installed package."""

from importlib.util import find_spec
from pathlib import Path

from ..errors import Errors, SentimentError


def find_resource(source: str) -> Path:
    """Return the file's path. The package is not imported; if there is none, SentimentError is raised."""
    package, _, inside = source.partition(":")
    if not package.isidentifier() or not inside or Path(source).exists():
        return Path(source)
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SentimentError(Errors.S055.format(path=source, package=package, project=package.replace("_", "-")))
    return Path(spec.submodule_search_locations[0], inside)
