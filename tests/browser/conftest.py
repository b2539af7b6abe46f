"""Fixtures: a page in headless Chromium that fails its test on a console error or a request to another host."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_trax_sentiment.pipelines import load

# Chromium contacts Google's hosts when it starts. Without a sandbox, it runs as root too.
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")  # while it lives, an event loop runs, and tests cannot run another
def chromium() -> Iterator[Any]:
    """Skip the test if there is no Chromium, or fail it if REQUIRE_BROWSER is set."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "there is no chromium on PATH, nor named by CHROMIUM"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    playwright = pytest.importorskip("playwright.sync_api").sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=path, args=_FLAGS.split())
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A Playwright page, once as wide as a desktop's and once as a phone's. Navigate it with `page.goto`."""
    page = chromium.new_page(viewport=request.param)
    wrong: list[str] = []
    page.on("console", lambda message: message.type == "error" and wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("request", lambda sent: _is_elsewhere(sent.url) and wrong.append(f"request to {sent.url}"))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield page
    page.close()
    assert not wrong


def _is_elsewhere(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "ws://127.0.0.1:"))


@pytest.fixture
def require_accessible() -> Callable[[Any], None]:
    """Fail if axe-core finds a serious or critical fault in the page, or the page is wider than its window."""

    def check(page: Any) -> None:
        axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        found = axe.run(page).response["violations"]
        assert [
            (each["id"], each["impact"], [node["html"] for node in each["nodes"]][:5])
            for each in found
            if each["impact"] in ("serious", "critical")
        ] == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    return check


@pytest.fixture
def screenshot(page: Any, tmp_path: Path) -> Callable[[str], Path]:
    """Save what the page looks like, to the directory SCREENSHOTS if it is set."""

    def save(name: str) -> Path:
        path = Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"{name}-{page.viewport_size['width']}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return save


def _serve(nlp: Language) -> Iterator[str]:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    from spacy_trax_sentiment.web.app import make_app
    from spacy_trax_sentiment.web.server import listen, make_server, url_of

    with listen("127.0.0.1", 0) as listener:
        server = make_server(make_app(nlp, name="en"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield url_of(listener, "127.0.0.1")
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    yield from _serve(load("en"))


@pytest.fixture(scope="module")
def ternary_url() -> Iterator[str]:
    yield from _serve(load("en_ternary"))


@pytest.fixture(scope="module")
def targets_url(tiny_targets: Language) -> Iterator[str]:
    yield from _serve(tiny_targets)


@pytest.fixture
def opened(page: Any, url: str) -> Any:
    """The page of `trax-sentiment serve`, with its first text scored."""
    page.goto(url)
    page.wait_for_selector("#result:visible")
    page.locator("#model", has_text="Model").wait_for()
    return page
