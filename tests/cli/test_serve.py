import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from spacy_trax_sentiment.web import server

Run = Callable[..., Any]


class EndedServer:
    """A server that is interrupted at once."""

    def run(self, sockets: list[Any]) -> None:
        assert sockets[0].getsockname()[1] > 0
        raise KeyboardInterrupt


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "make_server", lambda app: EndedServer())


@pytest.mark.slow
def test_the_command_serves_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "spacy_trax_sentiment", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Serving en at http://127.0.0.1:")
        with urllib.request.urlopen(line.split()[3] + "/health", timeout=30) as answer:
            assert answer.read() == b'{"status":"ok"}'
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_the_address_is_printed(run: Run, ended: None) -> None:
    result = run("serve", "--port", 0, "--model", "en_ternary")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Serving en_ternary at http://127.0.0.1:")
    assert run("serve", "--port", 0, "--quiet") == (0, "", "")


def test_labels_can_be_chosen(run: Run, ended: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr("spacy_trax_sentiment.web.app.make_app", lambda nlp, name: made.append(nlp))
    options = ["--model", "en_ternary", "--only-labels", "negative,positive"]
    assert run("serve", "--port", 0, "--quiet", *options) == (0, "", "")
    assert made[0].get_pipe("trax_sentiment").labels == ("negative", "positive")


def test_a_warning_says_that_others_can_reach_it(run: Run, ended: None) -> None:
    result = run("serve", "--port", 0, "--host", "0.0.0.0", "--quiet")
    assert (result.status, result.out) == (0, "")
    assert result.err.startswith("trax-sentiment: warning: there is no password")
    assert len(result.err.splitlines()) == 1


def test_a_port_in_use_is_reported_in_one_line(run: Run) -> None:
    with server.listen("127.0.0.1", 0) as listener:
        result = run("serve", "--port", listener.getsockname()[1])
    assert result.is_one_line(1)
    assert "in use" in result.err
    assert "--port" in result.err


def test_a_host_of_another_machine_is_reported_in_one_line(run: Run) -> None:
    for host in ("192.0.2.1", "no-such-host.invalid", "\0", "a" * 300):
        result = run("serve", "--port", 0, "--host", host)
        assert result.is_one_line(1)
        assert "S091" in result.err


def test_a_port_out_of_range_is_wrong_usage(run: Run) -> None:
    assert run("serve", "--port", 65536).is_one_line(2)


def test_without_the_extra_the_error_names_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "spacy_trax_sentiment.web.app", raising=False)
    result = run("serve", "--port", 0)
    assert result.is_one_line(1)
    assert "pip install '.[serve]'" in result.err


def test_ipv6_addresses_are_in_brackets() -> None:
    try:
        listener = server.listen("::1", 0)
    except ValueError:
        pytest.skip("there is no IPv6 here")
    with listener:
        assert server.is_loopback(listener)
        assert server.url_of(listener, "::1").startswith("http://[::1]:")
