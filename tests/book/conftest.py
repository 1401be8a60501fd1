"""A server over the built book, Chromium with the network cut, and a table of the pages at the end of the run."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.book.pages import DESK, HTML, INTERACTIVE, SHARED, Visit
from tools.browser import READY, chromium, serve

measured: dict[str, dict[str, str]] = defaultdict(dict)


@pytest.fixture(scope="module")
def site():
    """The address of a server over the built book."""
    with serve() as address:
        yield address


@pytest.fixture(scope="module")  # not longer: Playwright's event loop would be in the way of the notebooks' kernels
def browser():
    with chromium() as opened:
        yield opened


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
