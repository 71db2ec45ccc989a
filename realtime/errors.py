"""Errors whose message is meant for the person at the keyboard, not for a programmer."""


class AutomosaicError(Exception):
    """A failure with a one-line message that says what happened and what to do about it.

    The command line prints the message and ends with `exit_status`; a traceback is kept for bugs.
    """

    exit_status = 1

    @property
    def what(self) -> str:
        """The part of the message that says what happened, without its remedy."""
        return str(self).partition(": ")[0]


class UserError(AutomosaicError):
    """A mistake in what was asked for: a missing file, an impossible option."""

    exit_status = 2


class DeviceError(AutomosaicError):
    """Something outside the program failed: a camera, a display, a driver, a disk."""

    exit_status = 1


class UnwantedError(DeviceError):
    """A device was still being waited for when the run was asked to end: no failure."""

    exit_status = 0


def one_line(text: object, most: int = 120) -> str:
    """Return a text from elsewhere as a message may quote it: printable, short, in one line."""
    line = " ".join(str(text).split())
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= most else f"{line[: most - 3]}..."
