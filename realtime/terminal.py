"""What is printed, on streams that may be closed, full or gone: that ends no recording."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from realtime.errors import DeviceError

_MOST = 1200
"""Letters of a line."""
_STANDARD = 3
"""Files that every program finds open: standard input, output and error."""


def open_missing_streams() -> None:
    """Have those of stdin, stdout and stderr that are closed lead nowhere.

    Otherwise the next file that is opened, perhaps a recording, takes the place of one of them,
    and a library that warns on stderr writes into it.
    """
    number = os.open(os.devnull, os.O_RDWR)
    while number < _STANDARD:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)


def say(line: str) -> None:
    """Print what the person at the keyboard should know, as one line on stderr."""
    write(sys.stderr, f"automosaic: {_printable(line)}\n")


def write(stream: TextIO | None, text: str) -> None:
    """Write text at once, or not at all where nobody can read it: a terminal may be gone."""
    # Python has no stream where there was none at its start, and ValueError for a closed one.
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.write(text)
            stream.flush()


def flush() -> None:
    """Have all that was printed written, for a process that ends without further ado."""
    write(sys.stdout, "")
    write(sys.stderr, "")


def answer(text: str) -> bool:
    """Print what was asked for to stdout.

    Returns:
        Whether it was taken; false where somebody like `head` has seen enough.

    Raises:
        DeviceError: it cannot be written.
    """
    stream = sys.stdout
    if stream is None:
        return False
    try:
        encoding = stream.encoding or "utf-8"
        # A camera's name or a path may hold letters that this terminal cannot show.
        stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        _forget(stream)
        return False
    except OSError as error:
        _forget(stream)
        raise DeviceError(f"standard output: {error.strerror or error}") from None
    return True


def _forget(stream: TextIO) -> None:
    """Have what was not written go nowhere, for Python tries again, and complains, when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _printable(line: str) -> str:
    """Return a line without what would move the cursor or begin another one, as a name may."""
    spaced = (" " if letter.isspace() else letter for letter in line.strip())
    plain = "".join(letter if letter.isprintable() else "?" for letter in spaced)
    # What is long is what was given; what is wrong with it, and the remedy, are at the ends.
    return plain if len(plain) <= _MOST else f"{plain[: _MOST // 2]} ... {plain[-_MOST // 2 :]}"
