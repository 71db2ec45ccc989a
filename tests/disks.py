"""Disks that are small, and folders that may not be written, for real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small(folder: Path, megabytes: int = 2) -> Iterator[Path]:
    """Lay a disk of so many MB over `folder`, or skip the test."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux, to mount a small disk")
    with _mounted(folder, f"size={megabytes}m") as disk:
        yield disk


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make `folder` one that even root cannot write, where the tests run as root."""
    if sys.platform == "win32":
        pytest.skip("folders of Windows know no read-only bit")
    if os.geteuid() == 0:
        with _mounted(folder, "ro"):
            yield
    else:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)


def fill(disk: Path) -> None:
    """Write to a disk until it takes no more."""
    with pytest.raises(OSError, match="No space left"), (disk / "filler").open("wb", 0) as filler:
        while True:
            filler.write(bytes(4096))


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[Path]:
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a disk, which this container lacks")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
