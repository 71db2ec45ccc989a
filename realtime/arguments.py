"""The options of the command line: names, help, what each takes; a wrong one is a `UserError`."""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from realtime import preferences
from realtime.arrays import Size
from realtime.errors import UserError

COLUMNS = (1, 1024)
TILE_SIZES = (4, 512)
"""Pixels: below, nothing can be told from anything; above, a single tile fills a window."""
SIDES = (16, 8192)
"""Pixels of a mosaic's side: what encoders take."""
FPS = (1.0, 240.0)
SHARE = (0.0, 1.0)
SEE_HELP = " (see --help)"
"""What a message about an argument ends with."""
UNRECOGNIZED = "unrecognized arguments: "
"""What argparse says of an option that there is not."""
_SWITCH = argparse.BooleanOptionalAction
_SWITCHES = {"window": True, "mirror": False, "explore": False, "rest": True, "stats": False}

_EPILOG = """\
examples:
  automosaic                                         webcam in a window; h lists its keys
  automosaic --source photo.jpg --record out.png     a still picture, to a file and a window
  automosaic --source clip.mp4 --record out.mp4      a clip, every frame at its true time
  automosaic --virtual-camera --no-window            for video calls
  automosaic --columns 80 --mirror --save-settings   from now on start like this
  automosaic --list                                  what there is to choose from

exit status: 0 all well, also after Ctrl-C; 1 a device or disk failed; 2 a mistake in the command
"""


class _Parser(argparse.ArgumentParser):
    """A parser that raises one line where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition(UNRECOGNIZED)[2].split(" ")[0]
        hint = self._hint(unknown) if unknown else ""
        raise UserError(f"{message}{hint}{SEE_HELP}")

    def _hint(self, unknown: str) -> str:
        """Return what may have been meant by an argument that there is not."""
        if not unknown.startswith("-"):
            return f": for a source, pass --source {unknown}"
        known = list(self._option_string_actions)
        close = difflib.get_close_matches(unknown.partition("=")[0], known, 1)
        return f": did you mean {close[0]}?" if close else ""


def argument_parser() -> argparse.ArgumentParser:
    """Return what reads the command line, and raises `UserError` where it is wrong."""
    from realtime import __version__

    parser = _Parser(
        prog="automosaic",
        description="Turns a live webcam, a clip or a picture into a mosaic of generated tiles.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    group = parser.add_argument_group("from and to")
    _add_source(group)
    _add_sinks(group)
    _add_window(group)
    _add_looks(parser)
    _add_running(parser)
    _add_settings(parser)
    # Not as defaults of the options themselves, whose help would repeat them.
    parser.set_defaults(**_SWITCHES)
    parser.add_argument("--version", action="version", version=f"automosaic {__version__}")
    return parser


def _add_source(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--source",
        type=_text,
        help="a camera (0, /dev/video2 or part of its name), a clip, a picture, demo, or auto: a "
        "camera if there is one, else the demo, and without a display 10 s of it to demo.mp4 "
        "(default: the first camera)",
    )


def _add_sinks(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--virtual-camera",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="send to a virtual camera, the first one unless named",
    )
    group.add_argument(
        "--no-virtual-camera",
        dest="virtual_camera",
        action="store_const",
        const=None,
        help="send to none, whatever the settings file says",
    )
    group.add_argument(
        "--record",
        action="append",
        default=[],
        type=lambda text: Path(_text(text)),
        metavar="FILE",
        help="write a video (.mp4 .mkv .webm, with the sound of a clip), a short animation (.gif "
        ".webp) or a picture (.png .jpg; %%04d in the name: every mosaic); may be given again",
    )
    group.add_argument(
        "--overwrite", action="store_true", help="replace recordings that are there already"
    )


def _add_window(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--window", action=_SWITCH, help="show the preview window, or do not")
    group.add_argument(
        "--mirror", action=_SWITCH, help="show the preview, and nothing else, as a mirror"
    )
    group.add_argument(
        "--explore", action=_SWITCH, help="show a map of all tiles, and those in the picture on it"
    )


def _add_looks(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the mosaic")
    group.add_argument(
        "--tiles", default="digits", metavar="SET", help="tile set, or its folder (%(default)s)"
    )
    group.add_argument(
        "--columns", type=_whole(*COLUMNS), default=64, help="tiles in a row (%(default)s)"
    )
    group.add_argument("--tile-size", type=_whole(*TILE_SIZES), help="side of a tile in pixels")
    group.add_argument(
        "--size", type=_size, metavar="WxH", help="size in pixels; a camera is asked for it, too"
    )
    group.add_argument(
        "--colour",
        "--color",
        default="mono",
        help="mono, tint, duo or duo:#RRGGBB-#RRGGBB (%(default)s)",
    )
    group.add_argument(
        "--variety", type=_number(*SHARE), default=0.5, help="0..1, of shapes (%(default)s)"
    )
    group.add_argument(
        "--stability",
        type=_number(*SHARE),
        default=0.5,
        help="0..1, how firmly a tile holds from frame to frame (%(default)s)",
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    group.add_argument(
        "--provider", default="auto", help="what computes: auto, cpu, cuda, ... (see --list)"
    )
    group.add_argument(
        "--fps", type=_number(*FPS), help="asked of the camera, told to the virtual camera"
    )
    group.add_argument("--frames", type=_whole(1, 10**9), help="end after so many mosaics")
    group.add_argument("--seconds", type=_positive, help="end after so many seconds of the source")
    group.add_argument(
        "--reconnect",
        type=_number(0, 86_400),
        metavar="SECONDS",
        help="how long to look for a camera that was unplugged (default: 30, and with a window "
        "or a virtual camera until you quit)",
    )
    group.add_argument(
        "--rest",
        action=_SWITCH,
        help="let go of the camera while no program reads the virtual camera, and there is neither "
        "window nor recording, nor --frames (Linux, v4l2loopback 0.13 or newer; default: yes)",
    )
    group.add_argument(
        "--stats", action=_SWITCH, help="print statistics at the end, as a line of JSON"
    )
    group.add_argument(
        "--list",
        dest="listing",
        action="store_true",
        help="list cameras, virtual cameras, tile sets and providers, and end",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings file", str(preferences.settings_path()))
    group.add_argument(
        "--save-settings",
        action="store_true",
        help="write the options given here to the settings file, for every start, and end",
    )
    group.add_argument(
        "--no-settings", action="store_true", help="do as if there were no such file"
    )


def _whole(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise _mismatch(text, f"a whole number from {low} to {high}")
        return value

    return convert


def _number(low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        value = _float(text)
        if not low <= value <= high:  # false for NaN, too
            raise _mismatch(text, f"a number from {low:g} to {high:g}")
        return value

    return convert


def _positive(text: str) -> float:
    value = _float(text)
    if not 0 < value < math.inf:
        raise _mismatch(text, "a number above 0")
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _size(text: str) -> Size:
    match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text.lower())
    low, high = SIDES
    if match and all(low <= int(side) <= high for side in match.groups()):
        return int(match[1]), int(match[2])
    raise _mismatch(text, f"WIDTHxHEIGHT such as 1280x720, each from {low} to {high}")


def _text(text: str) -> str:
    if not text.strip():
        raise _mismatch(text, "a name")
    return text


def _mismatch(found: str, expected: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"found {found!r}, expected {expected}")
