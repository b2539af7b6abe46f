"""`trax-sentiment serve`: a model to a web page for trying it out, and the JSON endpoint behind the page."""

import sys
from contextlib import suppress
from typing import Annotated

import typer

from ..about import BUNDLED_MODEL
from . import options
from .common import set_verbosity


def serve(
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="Port to listen on; 0 for any free one.")
    ] = 8080,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. There is no password: at any other address than the default, everybody who "
            "reaches it can use it."
        ),
    ] = "127.0.0.1",
    model: options.Model = BUNDLED_MODEL,
    only_labels: options.OnlyLabels = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Serve a web page and a JSON endpoint.

    The page is at the printed address. The endpoint POST /v1/sentiment is described at /openapi.json. Stop with Ctrl-C.

    Needs the extra `serve`: pip install '.[serve]' in a clone.

    \b
    Examples:
      trax-sentiment serve --port 8080
      curl localhost:8080/v1/sentiment -H "Content-Type: application/json" -d '{"text": "love it"}'
    """
    set_verbosity(quiet, verbose)
    from ..pipelines import load
    from ..web.app import make_app
    from ..web.server import is_loopback, listen, make_server, url_of

    with listen(host, port) as listener:
        app = make_app(load(model, labels=options.kept_labels(only_labels)), name=model)
        if not is_loopback(listener):
            warning = "warning: there is no password, so everybody who reaches"
            print(f"trax-sentiment: {warning} {url_of(listener, host)} can use it.", file=sys.stderr)
        if not quiet:
            print(f"Serving {model} at {url_of(listener, host)} (stop with Ctrl-C).", flush=True)
        with suppress(KeyboardInterrupt):  # uvicorn raises it again after it has shut down
            make_server(app).run(sockets=[listener])
