"""A video call in Chromium, to see the virtual camera as people at the other end would."""

from __future__ import annotations

import base64
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import cv2
import numpy as np

from realtime.arrays import Frame, Size

PAGE = Path(__file__).with_name("call.html")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 90.0
"""For the browser to start and to see what it is to see; half a minute on a slow machine."""
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--use-fake-ui-for-media-stream",  # answers the question whether the page may use a camera
    "--autoplay-policy=no-user-gesture-required",
)


@dataclass(frozen=True)
class Call:
    """What the page saw.

    Attributes:
        label: the camera's name.
        settings: of the track, in JavaScript's words: width, height, frameRate, ...
        seen: the stamp of every frame, and when it was shown, of `time.time()`.
        last: the last frame, [H, W, 3] uint8 BGR.
    """

    label: str
    settings: dict[str, Any]
    seen: list[tuple[int, float]]
    last: Frame


def find_browser() -> str | None:
    """Return the path of Chromium or its like; None without."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def call(camera: str, frames: int, size: Size, cells: int, side: int, profile: Path) -> Call:
    """Have a page watch a camera for so many frames.

    Args:
        camera: part of its name.
        frames: how many to see.
        size: (width, height) to ask of it.
        cells: black or white cells of a stamp, from the top left on.
        side: of a cell in pixels.
        profile: an empty folder for the browser's own files.

    Raises:
        RuntimeError: the page failed, such as when it found no camera of that name.
        queue.Empty: it did not see enough in time.
    """
    browser = find_browser()
    if browser is None:
        raise RuntimeError("no Chromium: apt-get install chromium")
    wishes = {"camera": camera, "frames": frames, "cells": cells, "side": side}
    query = urlencode({**wishes, "width": size[0], "height": size[1]})
    reports: queue.Queue[dict[str, Any]] = queue.Queue()
    with _served(reports) as address:
        command = [browser, *_FLAGS, f"--user-data-dir={profile}", f"{address}/?{query}"]
        with _running(command):
            report = reports.get(timeout=PATIENCE_S)
    if "error" in report:
        raise RuntimeError(report["error"])
    return Call(report["label"], report["settings"], report["seen"], _decode(report["picture"]))


def _decode(url: str) -> Frame:
    png = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
    return np.asarray(cv2.imdecode(png, cv2.IMREAD_COLOR), np.uint8)


@contextmanager
def _running(command: list[str]) -> Iterator[None]:
    browser = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        browser.kill()
        browser.wait()


@contextmanager
def _served(reports: queue.Queue[dict[str, Any]]) -> Iterator[str]:
    """Serve the page on this machine only, put what it posts into `reports`; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(PAGE.read_bytes())

        def do_POST(self) -> None:
            reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the tests' output free of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        # By name, because a page may use cameras on "localhost" without encryption.
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
