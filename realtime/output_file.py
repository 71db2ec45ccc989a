"""Creating the files that the user named, without ever destroying one by accident."""

from __future__ import annotations

import errno
import itertools
from pathlib import Path
from typing import BinaryIO

from realtime.errors import DeviceError, UserError

_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def create_file(path: Path, *, overwrite: bool) -> BinaryIO:
    """Create `path` and open it for writing, unbuffered, so that a kill loses nothing written.

    Raises:
        UserError: it is there already and `overwrite` is not set, its folder is missing, or it
            may not be written.
        DeviceError: the disk fails.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file in it")
    try:
        # "x" is the operating system's own test, so no other program can slip in between.
        return path.open("wb" if overwrite else "xb", buffering=0)
    except FileExistsError:
        raise already_there(path) from None
    except FileNotFoundError:
        raise UserError(f"{path}: no folder {path.parent}: make it first") from None
    except OSError as error:
        if error.errno in _FORBIDDEN:
            raise UserError(f"{path}: may not be written: choose another folder") from None
        raise DeviceError(f"{path}: {error.strerror or error}") from error


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of `data`, of which one call may take only a part.

    Raises:
        OSError: the disk fails.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def free(path: Path) -> Path:
    """Return `path`, or one like it, numbered from 2 on, if there is such a file already."""
    others = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(one for one in itertools.chain([path], others) if not one.exists())


def already_there(path: Path) -> UserError:
    """Return the refusal to overwrite `path`."""
    return UserError(f"{path} is there already: pass --overwrite or choose another name")
