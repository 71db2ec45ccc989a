"""The settings file: what somebody wants at every start, under the names of the options.

# settings.toml
tiles = "fashion"
columns = 80
mirror = true
virtual-camera = "/dev/video10"     # or true, for the first one
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from realtime.errors import DeviceError, UserError

_HEADER = "# Automosaics starts with these; options on the command line win over them.\n"

_MOST_LETTERS = 1 << 16
"""Of a settings file: a hundred times as many as every setting takes."""

Values = dict[str, Any]
"""Settings by the names of the options, without dashes in front: bool, int, float or str."""


def settings_path() -> Path:
    """Return where this user's settings file is, or would be."""
    home = Path.home()
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return folder / "automosaics" / "settings.toml"


def load(path: Path) -> Values:
    """Read a settings file.

    Args:
        path: of the file; without one there are no settings.

    Returns:
        What is in it. Names and values are checked by whoever takes them.

    Raises:
        UserError: it cannot be read or is no TOML.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MOST_LETTERS + 1)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}): mend it or pass --no-settings"
        ) from None
    if len(text) > _MOST_LETTERS:
        raise UserError(f"{path}: too long for settings: mend it or pass --no-settings")
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        values: Values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{path}: no TOML: {error}: mend it or pass --no-settings") from None
    return values


def save(path: Path, values: Mapping[str, object]) -> None:
    """Write a settings file, replacing the one that is there in one step.

    Raises:
        DeviceError: the disk or the folder does not let us.
    """
    lines = [f"{name} = {_toml(value)}\n" for name, value in values.items()]
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(_HEADER + "".join(lines), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        reason = error.strerror or error
        raise DeviceError(f"{path}: cannot be written ({reason}): settings not saved") from None


def _toml(value: object) -> str:
    """Return a bool, int, float or str as TOML, whose text is JSON's but for one letter."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
