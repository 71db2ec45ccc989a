"""The kernel's test camera, which can be pulled out and put in again, by root."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

WEBCAM = Path("/dev/video0")
VIRTUAL = "/dev/video10"
NAME = "vivid-000-vid-cap"
_DRIVER = Path("/sys/bus/platform/drivers/vivid")
GONE_S = 4.0
"""A camera that was pulled out must be noticed within this: about 3 s, and a little patience."""


def unplug() -> None:
    """Take the camera away, node and all."""
    (_DRIVER / "unbind").write_text("vivid.0")


def plug_in() -> None:
    """Bring the camera back: at its old address, or at another if somebody still holds that."""
    (_DRIVER / "bind").write_text("vivid.0")


def replug() -> None:
    """Pull the camera out and put it in again, faster than anybody notices."""
    unplug()
    plug_in()


def disconnect() -> None:
    """Have the driver say that the device is gone; the node stays."""
    control("disconnect")


def control(name: str, value: int = 1) -> None:
    """Turn one of the test camera's knobs."""
    subprocess.run(["v4l2-ctl", "-d", str(WEBCAM), "-c", f"{name}={value}"], check=True)


def block() -> None:
    """Have the camera send nothing more, and say nothing of it."""
    control("percentage_of_dropped_buffers", 100)


def unblock() -> None:
    """Have the camera send again."""
    control("percentage_of_dropped_buffers", 0)


def restore() -> None:
    """Plug the camera in, whatever was done to it."""
    end = time.perf_counter() + 10
    while not os.access(WEBCAM, os.R_OK) and time.perf_counter() < end:
        if (_DRIVER / "vivid.0").exists():
            unplug()
        # Whoever reads it in vain lets go of it in a moment.
        time.sleep(0.5)
        plug_in()
