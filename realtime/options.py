"""What a run is asked for: the command line, over the settings file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime import preferences
from realtime.arguments import SEE_HELP, UNRECOGNIZED, argument_parser
from realtime.arrays import Size
from realtime.errors import UserError

AUTO = "auto"
_FOR_ONE_RUN = frozenset(
    {
        *("version", "list", "save-settings", "no-settings"),
        *("record", "overwrite", "frames", "seconds"),
    }
)
"""Options that nobody wants at every start; some would do harm."""


@dataclass(frozen=True)
class Options:
    """What was asked for, in the words of `--help`; None stands for "as suits".

    Attributes:
        virtual_camera: its device, "" for the first one, None for none.
        size: (width, height) of the mosaic in pixels.
        variety: 0..1.
        stability: 0..1.
    """

    source: str | None
    window: bool
    virtual_camera: str | None
    record: tuple[Path, ...]
    overwrite: bool
    tiles: str
    columns: int
    tile_size: int | None
    size: Size | None
    colour: str
    variety: float
    stability: float
    mirror: bool
    explore: bool
    provider: str
    fps: float | None
    frames: int | None
    seconds: float | None
    reconnect: float | None
    rest: bool
    stats: bool
    listing: bool
    save_settings: bool
    no_settings: bool


def parse(arguments: Sequence[str], settings: Path | None = None) -> Options:
    """Read the command line, which is `sys.argv` without its first entry.

    Args:
        arguments: which win over the settings file.
        settings: the settings file, which need not exist; None for none.

    Raises:
        UserError: something in it is wrong; the message names the option, or the file and the
            setting, and what it takes.
        SystemExit: help or the version was asked for, and has been printed.
    """
    parser = argument_parser()
    for argument in arguments:
        if argument.rpartition("=")[2] == "--":
            # argparse takes it for the end of the options, and does away with it as a value.
            parser.error(f"{UNRECOGNIZED}{argument}")
    found = parser.parse_args(arguments)
    if settings is not None and not found.no_settings:
        values = preferences.load(settings)
        kept = [_checked(parser, settings, name, value) for name, value in values.items()]
        found = parser.parse_args([*kept, *arguments])
    fields = vars(found)
    fields["record"] = tuple(fields["record"])
    return Options(**fields)


def settings_of(options: Options) -> preferences.Values:
    """Return the options worth saving: those that are not what they are without being asked for."""
    parser = argument_parser()
    values: preferences.Values = {}
    for name, action in _settable(parser).items():
        value = getattr(options, action.dest)
        if value == parser.get_default(action.dest):
            continue
        if name == "virtual-camera":
            value = value or True
        elif name == "size":
            value = "x".join(map(str, value))
        elif name in ("source", "tiles") and Path(value).exists() and not value.isdecimal():
            # The next start may be in another folder.
            value = str(Path(value).absolute())
        values[name] = value
    return values


def _settable(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Return what a settings file may hold: names, and the options that they set."""
    actions = {action.option_strings[0]: action for action in _actions(parser).values()}
    names = {flag[2:]: action for flag, action in actions.items() if flag.startswith("--")}
    positive = (name for name in names if not name.startswith("no-"))
    return {name: names[name] for name in sorted(positive) if name not in _FOR_ONE_RUN}


def _actions(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return parser._option_string_actions  # argparse tells it in no other way


def _checked(parser: argparse.ArgumentParser, path: Path, name: str, value: object) -> str:
    """Return a setting as an argument of the command line.

    Raises:
        UserError: there is no such setting, or it has a wrong value.
    """
    where, known = f"{path}: {name}", _settable(parser)
    if name in _FOR_ONE_RUN:
        raise UserError(f"{where}: not for every start: give it on the command line")
    if name not in known:
        raise UserError(f"{where}: no such setting: choose among {', '.join(known)}")
    argument = f"--{name}={value}"
    if isinstance(value, bool):
        if f"--no-{name}" not in _actions(parser):
            raise UserError(f"{where}: found {str(value).lower()}, expected a value")
        argument = f"--{name}" if value else f"--no-{name}"
    elif not isinstance(value, int | float | str):
        raise UserError(f"{where}: found {value!r}, expected one number or text")
    elif known[name].nargs == 0:
        raise UserError(f"{where}: found {value!r}, expected true or false")
    try:
        parser.parse_args([argument])
    except UserError as error:
        why = str(error).removesuffix(SEE_HELP).partition(": ")[2]
        raise UserError(f"{where}: {why}") from None
    return argument
