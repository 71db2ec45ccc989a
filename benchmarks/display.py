"""A screen that nobody sees, for windows that must open somewhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

PROGRAM = "Xvfb"


@contextmanager
def x_server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run an X server without a screen; yield the name of its display, such as ":5", and it.

    Raises:
        FileNotFoundError: there is no `PROGRAM`.
    """
    answer, tell = os.pipe()
    command = [PROGRAM, "-displayfd", str(tell), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[tell], stderr=subprocess.DEVNULL) as process:
        os.close(tell)
        with os.fdopen(answer) as pipe:
            number = pipe.readline().strip()
        try:
            yield f":{number}", process
        finally:
            process.terminate()
