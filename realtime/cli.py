"""The command `automosaic`, also `python -m realtime`: opens what was asked for and runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from realtime.arrays import Size
from realtime.errors import AutomosaicError, DeviceError, UserError
from realtime.loop import Settings, run
from realtime.mosaic import MosaicFilter
from realtime.options import AUTO, Options, parse
from realtime.outputs import Outputs
from realtime.sinks import open_sinks
from realtime.sources import Source, SourceInfo, open_source
from realtime.stopping import stop_on_signals
from realtime.tally import Statistics
from realtime.timing import process_start_s
from realtime.window import Window

STILL_FPS = 30.0
"""How often a watched still picture is sent, and what sinks are told of it."""
_ABORTED = 130
"""What shells report of a program that Ctrl-C ended; here, of one that a second Ctrl-C ended."""
_DEMO_FILE = Path("demo.mp4")
_DEMO_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; `sys.argv` unless given.

    Returns:
        The exit status: 0 all well, 1 a device or disk failed, 2 a mistake in the command.
    """
    started_s = process_start_s()
    try:
        with stop_on_signals() as stop:
            options = parse(sys.argv[1:] if arguments is None else arguments)
            if options.listing:
                from realtime.listing import listing

                print(listing())
                return 0
            _quieten_opencv()
            statistics = _run(options, stop, started_s)
    except AutomosaicError as error:
        _say(str(error))
        return error.exit_status
    except KeyboardInterrupt:
        _say("aborted")
        return _ABORTED
    if options.stats:
        print(statistics.to_json(), flush=True)
    return 1 if statistics.failures else 0


def _run(options: Options, stop: Callable[[], bool], started_s: float) -> Statistics:
    _check(options)
    with ExitStack() as opened:
        source = opened.enter_context(_open_source(options))
        try:
            mosaic_filter = _load_filter(options, source.info)
            size = _mosaic_size(mosaic_filter, source.info.size)
        except ValueError as error:
            # The filter's word for settings that do not go together, or with frames of this size.
            raise UserError(str(error)) from error
        window, remark = None, ""
        if options.window:
            try:
                window = opened.enter_context(Window())
            except DeviceError as error:
                options, remark = _go_without_window(options, error)
        outputs = _open_outputs(options, window, size, source.info, opened)
        if remark:
            _say(remark)
        settings = Settings(
            frames=options.frames,
            seconds=options.seconds,
            fps=options.fps or source.info.fps or STILL_FPS,
            mirror=options.mirror,
        )
        return run(source, mosaic_filter, outputs, settings, stop=stop, started_s=started_s)


def _check(options: Options) -> None:
    """Refuse what no single option shows to be wrong.

    Raises:
        UserError: there is nothing to do, or a recording would destroy its source.
    """
    if not (options.window or options.stats or _has_sinks(options)):
        raise UserError(
            "--no-window leaves nothing to do: add --record FILE, or --stats to measure"
        )
    for path in options.record:
        if options.source and _are_same_file(path, Path(options.source)):
            raise UserError(f"--record {path} is the source itself: choose another name")


def _are_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        # One of them is missing.
        return False


def _has_sinks(options: Options) -> bool:
    return options.virtual_camera is not None or bool(options.record)


def _open_source(options: Options) -> Source:
    if options.source != AUTO:
        return open_source(options.source, size=options.size, fps=options.fps)
    try:
        return open_source(None, size=options.size, fps=options.fps)
    except DeviceError as error:
        _say(f"{_what(error)}: showing the demo instead")
        return open_source("demo", size=options.size, fps=options.fps)


def _load_filter(options: Options, info: SourceInfo) -> MosaicFilter:
    size = options.size
    if size is None and options.tile_size is None and options.virtual_camera is not None:
        # Programs that read a virtual camera know the sizes that cameras have, and no odd ones.
        size = max(2, info.size[0] & ~1), max(2, info.size[1] & ~1)
    still = info.frames == 1
    mosaic_filter = MosaicFilter.load(
        options.tiles,
        columns=options.columns,
        tile_size=options.tile_size,
        colour=options.colour,
        variety=options.variety,
        stabilise=not still,
        providers=None if options.provider == AUTO else [options.provider],
        size=size,
    )
    if not still:
        mosaic_filter.stability = options.stability
    return mosaic_filter


def _mosaic_size(mosaic_filter: MosaicFilter, frame_size: Size) -> Size:
    """Return the (width, height) of the mosaics of such frames, by making one.

    It warms the filter up, too: the first mosaic that counts costs no more than the others.
    """
    blank = np.zeros((frame_size[1], frame_size[0], 3), np.uint8)
    height, width = mosaic_filter(blank).shape[:2]
    mosaic_filter.reset()
    return width, height


def _go_without_window(options: Options, error: DeviceError) -> tuple[Options, str]:
    """Return options for a machine that opens no window, and the line that tells of it.

    Raises:
        DeviceError: the mosaics have nowhere else to go.
    """
    what = _what(error)
    if _has_sinks(options):
        return options, f"no preview: {what}"
    if options.source != AUTO:
        remedy = "add --record FILE or --virtual-camera, or set DISPLAY"
        raise DeviceError(f"{what}: {remedy}") from error
    seconds = options.seconds if options.seconds or options.frames else _DEMO_SECONDS
    film = replace(options, record=(_DEMO_FILE,), overwrite=True, seconds=seconds)
    return film, f"{what}: writing {_DEMO_FILE} instead"


def _open_outputs(
    options: Options, window: Window | None, size: Size, info: SourceInfo, opened: ExitStack
) -> Outputs:
    """Open what the mosaics go to, and have `opened` close it."""
    fps = options.fps or info.fps
    cameras = open_sinks(size=size, fps=fps, virtual_camera=options.virtual_camera)
    for sink in cameras:
        opened.enter_context(sink)
    files = open_sinks(size=size, fps=fps, record=options.record, overwrite=options.overwrite)
    for sink in files:
        opened.enter_context(sink)
    return Outputs(window=window, cameras=cameras, files=files, report=_say)


def _what(error: DeviceError) -> str:
    """Return the part of a message that says what happened, without its remedy."""
    return str(error).partition(": ")[0]


def _quieten_opencv() -> None:
    """Keep OpenCV from printing what we say in one line; OPENCV_LOG_LEVEL brings it back."""
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_FATAL)


def _say(line: str) -> None:
    print(f"automosaic: {line}", file=sys.stderr, flush=True)
