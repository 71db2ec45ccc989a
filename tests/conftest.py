"""Fixtures that several test files share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

# First of all, as in the program: windows hang where PyAV is imported before OpenCV.
import cv2  # noqa: F401
import pytest

from tests import webcam, x11


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests of what is left to chance be run more often, and graphs be run elsewhere."""
    parser.addoption("--kills", type=int, default=3, help="recordings to kill (%(default)s)")
    parser.addoption(
        "--provider", default="cpu", help="what computes whole graphs: cpu, cuda, ... (%(default)s)"
    )


@pytest.fixture(scope="session")
def x11_display() -> Iterator[str]:
    """Run an X server without a screen and yield its name, such as ":5"."""
    with x11.server() as (name, _):
        yield name


@pytest.fixture
def display(x11_display: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let windows open on an X server without a screen."""
    monkeypatch.setenv("DISPLAY", x11_display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return x11_display


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's settings file out of the tests, and the tests out of it."""
    for name in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "config"))
    if sys.platform == "darwin":
        monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def plugged_in_again() -> Iterator[None]:
    """Plug the webcam in, whatever the test did to it."""
    yield
    webcam.restore()
