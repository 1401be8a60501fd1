"""The built book behind a server of this machine, and Chromium to open it: for the tests of pages and for the PDF."""

from __future__ import annotations

import functools
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

__all__ = ["HTML", "READY", "WIDGET", "chromium", "serve"]

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"

WIDGET = "script[type='application/vnd.jupyter.widget-view+json']"
_FIGURES = f"""document.readyState === "complete"
  && document.querySelectorAll("{WIDGET}").length <= document.querySelectorAll(".nf-widget").length
  && [...document.querySelectorAll(".nf-widget")].every((w) => w.querySelector("canvas, svg, img"))"""
# every equation is set, every figure that moves is drawn
READY = (
    f"""() => {_FIGURES} && [...document.querySelectorAll(".math")].every((m) => m.querySelector("mjx-container"))"""
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass


@contextmanager
def serve(folder: Path = HTML) -> Iterator[str]:
    """The address of a server over a folder."""
    with ThreadingHTTPServer(("localhost", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Chromium of the system; the variable CHROMIUM names another."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise FileNotFoundError("no Chromium here: install it (apt-get install chromium), or name it in CHROMIUM")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*arguments, *more])
        yield browser
        browser.close()
