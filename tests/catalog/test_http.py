"""HTTP: a service that answers as the page says, and every way in which one does not, over real sockets."""

from __future__ import annotations

import http.server
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from checks.catalog import http as kind
from checks.check import Finding
from checks.errors import CouldNotTell, NotApplicable
from checks.secrets import mask
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, params_of, sqlite_file
from tests.command import ROOT, page, pgrunbook, run
from tests.web import WebService, redirect

VARIABLE = "PLATFORM_API_DEV_URL"
BASE = "base: ${PLATFORM_API_DEV_URL}"
REPORT = {
    "view": "sales_report_view",
    "success": True,
    "rows": [{"payer": "a person's name", "units": 3}],
    "next": None,
}


@pytest.fixture
def target(tmp_path: Path) -> Elsewhere:
    """A database nobody asks."""
    return sqlite_file(tmp_path / "unasked.db")


def trickle(handler: http.server.BaseHTTPRequestHandler) -> None:
    """Answer a byte at a time, for ever."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        threading.Event().wait(0.02)


def cut_off(handler: http.server.BaseHTTPRequestHandler) -> None:
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")


@pytest.fixture
def service() -> Iterator[WebService]:
    """Platform API as its page describes it, and some paths where it misbehaves."""
    pages: dict[str, tuple[int, Any]] = {
        "/health": (200, {"status": "ok"}),
        "/api/health": (200, {"status": "ok"}),
        "/app-config/pages/sales-report": (200, {"slug": "sales-report", "blocks": [1, 2]}),
        "/app-config/data/sales_report_view?limit=1": (200, REPORT),
        "/broken": (500, {"error": "no database"}),
        "/html": (200, b"<html>Bad gateway</html>"),
        "/deep": (200, b"[" * 200_000),
        "/large": (200, b'{"a": "' + b"x" * 2**20 + b'"}'),
        "/moved": (302, redirect("/health")),
        "/round": (302, redirect("/round")),
        "/elsewhere": (302, redirect("http://127.0.0.2:1/health?token=sesame-sesame")),
        "/downwards": (302, redirect("ftp://127.0.0.1/")),
        "/trickle": (200, trickle),
        "/cut-off": (200, cut_off),
    }
    with WebService(pages) as running:
        yield running


def asked(params: str, target: Elsewhere, service: WebService | str) -> tuple[str, Elsewhere, dict[str, Any]]:
    url = service if isinstance(service, str) else service.url
    return (
        f"{{{BASE}, {params}}}".replace("${PLATFORM_API_DEV_URL}", "'${PLATFORM_API_DEV_URL}'"),
        target,
        {VARIABLE: url},
    )


def holds(params: str, target: Elsewhere, service: WebService | str) -> Finding:
    written, target, variables = asked(params, target, service)
    [finding] = check_holds("http", written, target, variables=variables)
    return finding


def fails(params: str, target: Elsewhere, service: WebService | str, code: str) -> Finding:
    written, target, variables = asked(params, target, service)
    return check_fails("http", written, target, code=code, variables=variables)


@pytest.mark.parametrize(
    "params",
    [
        "path: /health",
        "path: /health, json: {status: ok}",
        "path: /app-config/pages/sales-report, json: {slug: sales-report, 'blocks.#': {ge: 1}, blocks.1: 2}",
        "path: '/app-config/data/sales_report_view?limit=1', json: {'rows.#': {ge: 1, le: 1}, rows.0.units: {gt: 2}}",
        "path: '/app-config/data/sales_report_view?limit=1', json: {success: true, view: {ne: other}}",
        "path: /broken, status: 500",
        "path: /nowhere, status: {ge: 400, lt: 500}",
        "path: /large",
    ],
)
def test_an_endpoint_that_answers_as_the_page_says_holds(target: Elsewhere, service: WebService, params: str) -> None:
    """The three endpoints of platform-api, and a page's own idea of what a good status is."""
    assert holds(params, target, service).code == "http.answers"


def test_it_asks_once_and_says_who_asks(target: Elsewhere, service: WebService) -> None:
    """One GET, under our own name, that wants no compression."""
    holds("path: /health", target, service)
    [(path, headers)] = service.asked
    assert (path, headers["User-Agent"], headers["Accept-Encoding"]) == ("/health", "pgrunbook", "identity")


def test_a_prefix_in_the_variable_goes_before_the_path(target: Elsewhere, service: WebService) -> None:
    """A service behind a path of a shared host is named whole in the variable."""
    holds("path: /health", target, f"{service.url}/api/")
    assert service.asked[0][0] == "/api/health"


def test_another_status_does_not_hold(target: Elsewhere, service: WebService) -> None:
    """And nothing is said of the JSON of an error page."""
    finding = fails("path: /broken, json: {status: ok}", target, service, "http.status")
    assert (finding.expected, finding.observed) == ("status 200", "500")


def test_json_that_differs_does_not_hold(target: Elsewhere, service: WebService) -> None:
    """Numbers are shown; a text that the page does not name is somebody's data, and is not."""
    finding = fails(
        "path: '/app-config/data/sales_report_view?limit=1', json: {rows.0.units: 4}",
        target,
        service,
        "http.json_differs",
    )
    assert finding.observed == "3"
    finding = fails(
        "path: '/app-config/data/sales_report_view?limit=1', json: {rows.0.payer: you}",
        target,
        service,
        "http.json_differs",
    )
    assert "a person's name" not in str(finding)
    for path, seen in (("rows", "a list of 1"), ("rows.0", "an object"), ("next", "null")):
        params = f"path: '/app-config/data/sales_report_view?limit=1', json: {{{path}: 1}}"
        assert fails(params, target, service, "http.json_differs").observed == seen


@pytest.mark.parametrize("path", ["state", "status.deeper", "status.0", "'status.#'"])
def test_json_without_the_path_does_not_hold(target: Elsewhere, service: WebService, path: str) -> None:
    """What is not there is told apart from what is there and differs."""
    fails(f"path: /health, json: {{{path}: ok}}", target, service, "http.json_missing")


@pytest.mark.parametrize("path", ["/html", "/deep"])
def test_what_is_no_json_does_not_hold(target: Elsewhere, service: WebService, path: str) -> None:
    """An error page of a proxy, or a document made to exhaust its reader."""
    fails(f"path: {path}, json: {{status: ok}}", target, service, "http.not_json")


def test_a_body_over_a_megabyte_is_not_read_to_its_end(target: Elsewhere, service: WebService) -> None:
    """What a service sends is bounded, and JSON that was cut is not judged."""
    fails("path: /large, json: {a: x}", target, service, "http.too_large")


def test_a_redirect_within_the_service_is_followed(target: Elsewhere, service: WebService) -> None:
    """To another path; and a page that expects the redirect itself gets it."""
    holds("path: /moved, json: {status: ok}", target, service)
    holds("path: /elsewhere, status: 302", target, service)


@pytest.mark.parametrize("path", ["/elsewhere", "/downwards", "/round"])
def test_a_redirect_to_anywhere_else_is_not_followed(target: Elsewhere, service: WebService, path: str) -> None:
    """No page and no service can send us to a host nobody named, and a token in the address is not shown."""
    finding = fails(f"path: {path}", target, service, "http.redirected")
    assert "sesame" not in str(finding)
    assert (finding.expected, finding.observed) == ("status 200", "302")
    assert " answers 302 " in finding.sentence


def test_an_answer_that_is_late_does_not_hold(target: Elsewhere, service: WebService) -> None:
    """The time is that of the whole answer."""
    fails("path: /health, within: 1us", target, service, "http.slow")


def test_an_answer_that_never_ends_is_given_up(
    target: Elsewhere, service: WebService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However regularly its bytes drip."""
    monkeypatch.setattr(kind, "PATIENCE", 0.2)
    fails("path: /trickle, within: 100ms", target, service, "http.timeout")


def test_an_answer_that_breaks_off_does_not_hold(target: Elsewhere, service: WebService) -> None:
    """Half an answer is none."""
    fails("path: /cut-off", target, service, "http.broken")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A port on which nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_peer_that_never_answers_is_given_up(
    target: Elsewhere, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted by the kernel, and never read."""
    monkeypatch.setattr(kind, "PATIENCE", 0.2)
    finding = fails("within: 100ms", target, f"http://127.0.0.1:{listening.getsockname()[1]}", "http.timeout")
    assert finding.observed == "none"


def test_a_peer_that_speaks_something_else_does_not_hold(target: Elsewhere, listening: socket.socket) -> None:
    """Something else listens on that port."""

    def greet() -> None:
        client, _ = listening.accept()
        with client:
            client.recv(4096)
            client.sendall(b"-ERR unknown command\r\n")

    thread = threading.Thread(target=greet)
    thread.start()
    fails("within: 2s", target, f"http://127.0.0.1:{listening.getsockname()[1]}", "http.broken")
    thread.join()


def test_nobody_listening_does_not_hold(target: Elsewhere, listening: socket.socket) -> None:
    """A refusal says that the host is there and the service is not."""
    port = listening.getsockname()[1]
    listening.close()
    fails("within: 2s", target, f"http://127.0.0.1:{port}", "http.refused")


def test_a_host_that_does_not_exist_does_not_hold(target: Elsewhere) -> None:
    """`.invalid` resolves nowhere, by decree."""
    fails("within: 2s", target, "http://platform-api.invalid", "http.host_not_found")


def test_a_host_that_cannot_be_reached_does_not_hold(target: Elsewhere) -> None:
    """The operating system's own reason is given."""
    # Only the loopback has no way to the broadcast address, on every machine alike.
    finding = fails("within: 2s", target, "http://255.255.255.255", "http.unreachable")
    assert finding.sentence.startswith("No connection to http://255.255.255.255: ")


@pytest.fixture
def authority() -> trustme.CA:
    """An authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture
def encrypted(authority: trustme.CA) -> Iterator[WebService]:
    """The service over TLS, with a certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with WebService({"/health": (200, {"status": "ok"})}, tls=context) as running:
        yield running


def test_tls_is_verified(
    target: Elsewhere, encrypted: WebService, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody vouches for it: no. An authority this machine trusts: yes. The same one for another name: no."""
    there = f"https://localhost:{encrypted.port}"
    assert "certificate" in fails("path: /health", target, there, "http.tls_failed").sentence
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    holds("path: /health, json: {status: ok}", target, there)
    fails("path: /health", target, f"https://127.0.0.1:{encrypted.port}", "http.tls_failed")


def test_credentials_are_sent_and_never_shown(target: Elsewhere, service: WebService) -> None:
    """A user and a password in the variable are the service's to know, and nobody else's."""
    finding = holds("path: /health", target, service.url.replace("//", "//probe:open%20sesame@"))
    assert service.asked[0][1]["Authorization"] == "Basic cHJvYmU6b3BlbiBzZXNhbWU="
    assert "sesame" not in str(finding)
    for form in ("open sesame", "open%20sesame", "cHJvYmU6b3BlbiBzZXNhbWU="):
        assert form not in mask(form)


def test_a_token_in_place_of_a_user_is_a_secret_too(target: Elsewhere, service: WebService) -> None:
    """Some services take a token as the user, and no password."""
    holds("path: /health", target, service.url.replace("//", "//tok-sesame-3@"))
    assert service.asked[0][1]["Authorization"] == "Basic dG9rLXNlc2FtZS0zOg=="
    assert "tok-sesame-3" not in mask("tok-sesame-3")


PAGE = f'```yaml check\nhttp: {{base: "${{{VARIABLE}}}", path: /health}}\n```\n'
LIVE = 'environments:\n  dev: {url: "${SMALL_DATABASE_URL}"}\n'


def test_check_asks_the_service_and_not_the_database(service: WebService, tmp_path: Path) -> None:
    """The address may come from the env file, and a database that is down does not take the verdict away."""
    page(tmp_path, "small", PAGE, LIVE)
    (tmp_path / "prod.env").write_text(f"SMALL_DATABASE_URL=postgresql://a@127.0.0.1:9/b\n{VARIABLE}={service.url}\n")
    ended = pgrunbook("check", "--env", "dev", "--env-file", "prod.env", folder=tmp_path)
    assert ended.code == 0, ended
    assert "no server answered" in ended.out


def test_a_page_without_it_does_not_pay_for_it() -> None:
    """An HTTP client and TLS take longer to import than a page takes to ask."""
    loaded = "[name for name in ('urllib3', 'ssl', 'dotenv', 'http.client') if name in sys.modules]"
    ended = run([sys.executable, "-c", f"import sys, checks.catalog; print({loaded})"], ROOT)
    assert ended.out == "[]\n", ended


def test_without_the_variable_it_is_skipped_beside_a_disposable_server(target: Elsewhere) -> None:
    """A laptop that tries the page out has no service, and is told so."""
    with pytest.raises(NotApplicable, match=VARIABLE):
        findings_of("http", {"base": "${PLATFORM_API_DEV_URL}"}, target)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "platform-api.up.railway.app",
        "ftp://host",
        "https://",
        "https://host:port",
        "https://host/path?query=1",
        "https://host/#fragment",
        "https://[::1",
        "https://user:open@sesame@host/x@y",
        "https://ho st",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_none_has_no_verdict(target: Elsewhere, value: str) -> None:
    """On a live environment an unset or mistyped variable is not the service's fault, and is not shown."""
    with pytest.raises(CouldNotTell) as told:
        findings_of("http", {"base": "${PLATFORM_API_DEV_URL}"}, target, variables={VARIABLE: value}, disposable=False)
    assert told.value.code == "http.no_address"
    assert VARIABLE in told.value.sentence
    assert "sesame" not in str(told.value)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"base": "https://platform-api.up.railway.app"},
        {"base": "${URL}/health"},
        {"base": "${URL}", "path": "health"},
        {"base": "${URL}", "path": "//elsewhere/health"},
        {"base": "${URL}", "path": "/a b"},
        {"base": "${URL}", "json": {"a..b": 1}},
    ],
)
def test_a_page_cannot_name_an_address(written: dict[str, Any]) -> None:
    """Where the service is, is for whoever runs the page to say."""
    with pytest.raises(ValidationError):
        params_of("http", written)
