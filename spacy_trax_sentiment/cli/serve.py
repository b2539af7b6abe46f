"""`trax-sentiment serve`: a page to try sentiment on, and the JSON endpoint behind it."""

import sys
from contextlib import suppress

import typer

from .common import model_option, quiet_option, set_verbosity, verbose_option


def serve(
    port: int = typer.Option(8080, "--port", "-p", min=0, max=65535, help="The port; 0 for any that is free."),
    host: str = typer.Option(
        "127.0.0.1",
        help="The address to listen on. There is no password: at any but this one, whoever reaches it uses it.",
    ),
    model: str = model_option(),
    quiet: bool = quiet_option(),
    verbose: bool = verbose_option(),
) -> None:
    """Serve a page to try it on, and JSON over HTTP.

    The page is at the address that is printed; POST /v1/sentiment is described at /openapi.json. Ctrl-C ends it.

    Needs the extra: pip install 'spacy-trax-sentiment[serve]'.

    \b
    Examples:
      trax-sentiment serve --port 8080
      curl localhost:8080/v1/sentiment -H "Content-Type: application/json" -d '{"text": "love it"}'
    """
    set_verbosity(quiet, verbose)
    from ..pipelines import load_pipeline
    from ..web.app import make_app
    from ..web.server import is_loopback, listen, make_server, url_of

    with listen(host, port) as listener:
        app = make_app(load_pipeline(model), name=model)
        if not is_loopback(listener):
            warning = "warning: there is no password, so whoever reaches this machine at"
            print(f"trax-sentiment: {warning} {url_of(listener, host)} can use it.", file=sys.stderr)
        if not quiet:
            print(f"Serving {model} at {url_of(listener, host)} (Ctrl-C ends it).", flush=True)
        with suppress(KeyboardInterrupt):  # which uvicorn raises anew once it has ended
            make_server(app).run(sockets=[listener])
