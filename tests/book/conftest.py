"""A server over the built book, Chromium with the network cut, and a table of the pages at the end of the run."""

from __future__ import annotations

import functools
import os
import shutil
import threading
from collections import defaultdict
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import sync_playwright

from tests.book.pages import DESK, HTML, INTERACTIVE, READY, SHARED, Visit

measured: dict[str, dict[str, str]] = defaultdict(dict)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site():
    """The address of a server over the built book."""
    with ThreadingHTTPServer(("localhost", 0), functools.partial(Quiet, directory=str(HTML))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")  # not longer: Playwright's event loop would be in the way of the notebooks' kernels
def browser():
    """Chromium of the system; CHROMIUM names another."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    assert path, "no Chromium here: install it (apt-get install chromium), or name it in CHROMIUM"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, site):
    """Open a page, with nothing in the browser's cache, and wait until equations and figures are there."""
    contexts = []

    def open_page(name: str, inject: str = "", **options) -> Visit:
        context = browser.new_context(
            **{"viewport": DESK, "color_scheme": "light", "reduced_motion": "reduce"} | options
        )
        contexts.append(context)
        page = context.new_page()
        seen = Visit(page)

        def with_fault(route):
            text = (HTML / name).read_text(encoding="utf-8")
            route.fulfill(body=text.replace("</article>", f"{inject}</article>", 1), content_type="text/html")

        def elsewhere(route):
            seen.faults.append(f"asks for {route.request.url}")
            route.abort()

        def reply(response):
            if response.status >= 400:
                seen.faults.append(f"{response.status} for {response.url}")
            elif response.url.startswith(site) and SHARED not in response.url:
                seen.bytes[response.url.removeprefix(site)] = int(response.headers.get("content-length", 0))

        def message(entry):
            if entry.type == "error":
                seen.faults.append(f"console: {entry.text}")

        page.route(lambda url: not url.startswith((site, "data:", "blob:")), elsewhere)
        if inject:
            page.route(site + name, with_fault)
        page.on("console", message)
        page.on("pageerror", lambda error: seen.faults.append(f"script error: {error}"))
        page.on("requestfailed", lambda request: seen.faults.append(f"failed: {request.url}"))
        page.on("response", reply)
        devtools = context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(site + name, wait_until="commit")
        if inject or not options.get("java_script_enabled", True):  # it may never be ready
            page.wait_for_load_state("load")
        else:
            page.wait_for_function(INTERACTIVE, timeout=60_000, polling=20)
        metrics = {entry["name"]: entry["value"] for entry in devtools.send("Performance.getMetrics")["metrics"]}
        seen.seconds = metrics["ThreadTime"]
        if not inject and options.get("java_script_enabled", True):
            page.wait_for_function(READY, timeout=60_000)
            page.evaluate("async () => { await document.fonts.ready; }")
        page.wait_for_load_state("networkidle")
        return seen

    yield open_page
    for context in contexts:
        context.close()


def pytest_runtest_logreport(report):
    for name, value in report.user_properties:
        if report.when == "call" and name == "page":
            measured[value.pop("page")].update(value)


def pytest_terminal_summary(terminalreporter):
    """The pages against what was measured on them, in this run."""
    columns = ("weight", "ready", "figures", "axe")
    if measured:
        width = max(map(len, measured))
        terminalreporter.write_line("PAGES ".ljust(width) + "".join(name.rjust(12) for name in columns))
    for page, values in sorted(measured.items()):
        line = "".join(values.get(name, "").rjust(12) for name in columns)
        terminalreporter.write_line(page.ljust(width) + line)
