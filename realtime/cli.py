"""The command `automosaic`, also `python -m realtime`: opens what was asked for and runs it."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from io import StringIO
from pathlib import Path

import cv2
import numpy as np

from realtime import preferences
from realtime.arrays import Size
from realtime.controls import Controls
from realtime.errors import AutomosaicError, DeviceError, UnwantedError, UserError
from realtime.explorer import Explorer
from realtime.loop import Settings, run
from realtime.mosaic import MosaicFilter
from realtime.options import AUTO, Options, parse, settings_of
from realtime.output_file import free
from realtime.outputs import Outputs
from realtime.overlay import Overlay
from realtime.progress import Progress
from realtime.resting import REST_AFTER_S
from realtime.sinks import open_sinks
from realtime.sources import Source, SourceInfo, open_source
from realtime.stopping import stop_on_signals
from realtime.tally import Statistics
from realtime.terminal import answer, open_missing_streams, say
from realtime.threads import OneOpencvThread
from realtime.timing import process_start_s
from realtime.view import LASTING_NOTICE_S, View
from realtime.window import Window

STILL_FPS = 30.0
"""How often a watched still picture is sent, and what sinks are told of it."""
RECONNECT_S = 30.0
"""How long to look for a camera that was unplugged where nobody is there to see it."""
_DEMO_FILE = Path("demo.mp4")
_DEMO_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; `sys.argv` unless given.

    Returns:
        The exit status: 0 all well, 1 a device or disk failed, 2 a mistake in the command.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed a second time.
    """
    started_s = process_start_s()
    open_missing_streams()
    try:
        with stop_on_signals() as stop:
            given = sys.argv[1:] if arguments is None else arguments
            options = parse(given, preferences.settings_path())
            if options.listing:
                from realtime.listing import listing

                return int(not answer(listing()))
            if options.save_settings:
                return int(not answer(_save_settings(settings_of(options))))
            _quieten_opencv()
            statistics = _run(options, stop, started_s)
            told = not options.stats or answer(statistics.to_json())
    except AutomosaicError as error:
        say(str(error))
        return error.exit_status
    except MemoryError:
        say("there is not enough memory: ask for a smaller --size, or give a smaller picture")
        return DeviceError.exit_status
    return int(bool(statistics.failures) or not told)


def _run(options: Options, stop: Callable[[], bool], started_s: float) -> Statistics:
    _check(options)
    view = View(mirror=options.mirror)
    with ExitStack() as opened:
        # Of the whole program: to go back to more of them between frames ends and starts threads.
        opened.enter_context(OneOpencvThread())
        source = opened.enter_context(_open_source(options, stop))
        mosaic_filter, size = _ready_filter(options, source.info)
        window, options, remark = _open_window(options, opened)
        progress = _progress(options, source.info)
        opened.callback(progress.clear)
        report = _reporter(view, progress)
        outputs = _open_outputs(options, window, size, source, opened, report)
        source.patience_s = _patience(options, outputs)
        for line in filter(None, (source.info.note, remark)):
            say(line)
        settings = Settings(
            frames=options.frames,
            seconds=options.seconds,
            fps=options.fps or source.info.fps or STILL_FPS,
            limited=options.fps is not None,
            size=mosaic_filter.size,
            rest_after_s=REST_AFTER_S if options.rest and not options.frames else math.inf,
        )
        controls = _controls(options, mosaic_filter, outputs, view, opened)
        if window is not None:
            _furnish(window, controls, options)
        return run(
            *(source, mosaic_filter, outputs, settings),
            controls=controls,
            stop=stop,
            started_s=started_s,
            progress=progress.show,
        )


def _progress(options: Options, info: SourceInfo) -> Progress:
    """Return what shows how far a recording of a file has come; it is blank for all else."""
    if info.live or info.frames == 1 or not options.record:
        return Progress(StringIO())
    frames = (count for count in (options.frames, info.frames) if count)
    seconds = (length for length in (options.seconds, info.seconds) if length)
    return Progress(sys.stderr or StringIO(), min(frames, default=None), min(seconds, default=None))


def _patience(options: Options, outputs: Outputs) -> float:
    """Return for how many seconds to look for a camera that has gone."""
    if options.reconnect is not None:
        return options.reconnect
    # Somebody is there to plug it in again, or to quit.
    return math.inf if outputs.watched else RECONNECT_S


def _reporter(view: View, progress: Progress) -> Callable[[str], None]:
    """Return what tells a line in the terminal and, for those who do not look there, the window."""

    def report(line: str) -> None:
        progress.clear()
        say(line)
        view.tell(line, LASTING_NOTICE_S)

    return report


def _furnish(window: Window, controls: Controls, options: Options) -> None:
    """Put into the window, and beside it, what belongs there."""
    window.painter = Overlay(controls.view, controls.help_lines)
    if options.explore:
        controls.explore()


def _controls(
    options: Options, mosaic_filter: MosaicFilter, outputs: Outputs, view: View, opened: ExitStack
) -> Controls:
    explorer = Explorer(mosaic_filter)
    opened.callback(explorer.close)
    shipped = MosaicFilter.available()
    folder = options.tiles not in shipped
    return Controls(
        mosaic_filter,
        outputs,
        view,
        tiles=str(Path(options.tiles).absolute()) if folder else options.tiles,
        tile_sets=shipped,
        explorer=explorer,
        keep=_keep_settings,
        fps=options.fps or 0.0,
    )


def _save_settings(values: preferences.Values) -> str:
    """Write the settings file, and return the line that tells of it."""
    path = preferences.settings_path()
    preferences.save(path, values)
    return f"saved to {path}: {', '.join(values) or 'nothing but what is usual anyway'}"


def _keep_settings(values: preferences.Values) -> str:
    """Write what the keys have changed to the settings file, and return its path."""
    path = preferences.settings_path()
    preferences.save(path, {**preferences.load(path), **values})
    return str(path)


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


def _open_source(options: Options, stop: Callable[[], bool]) -> Source:
    if options.source != AUTO:
        return open_source(options.source, size=options.size, fps=options.fps, unwanted=stop)
    try:
        return open_source(None, size=options.size, fps=options.fps, unwanted=stop)
    except UnwantedError:
        raise
    except DeviceError as error:
        say(f"{error.what}: showing the demo instead")
        return open_source("demo", size=options.size, fps=options.fps)


def _ready_filter(options: Options, info: SourceInfo) -> tuple[MosaicFilter, Size]:
    """Return the filter, warmed up, and the (width, height) of its mosaics.

    Raises:
        UserError: settings do not go together, or do not suit frames of this size.
    """
    try:
        mosaic_filter = _load_filter(options, info)
        return mosaic_filter, _mosaic_size(mosaic_filter, info.size)
    except ValueError as error:
        raise UserError(str(error)) from error


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


def _open_window(options: Options, opened: ExitStack) -> tuple[Window | None, Options, str]:
    """Open the window that was asked for, and have `opened` close it.

    Returns:
        The window; the options, changed where there is none; and a line that tells why.

    Raises:
        DeviceError: there is no window, and the mosaics have nowhere else to go.
    """
    if not options.window:
        return None, options, ""
    try:
        return opened.enter_context(Window()), options, ""
    except DeviceError as error:
        return None, *_go_without_window(options, error)


def _go_without_window(options: Options, error: DeviceError) -> tuple[Options, str]:
    """Return options for a machine that opens no window, and the line that tells of it.

    Raises:
        DeviceError: the mosaics have nowhere else to go.
    """
    what = error.what
    if _has_sinks(options):
        return options, f"no preview: {what}"
    if options.source != AUTO:
        remedy = "add --record FILE or --virtual-camera, or set DISPLAY"
        raise DeviceError(f"{what}: {remedy}") from error
    seconds = options.seconds if options.seconds or options.frames else _DEMO_SECONDS
    path = free(_DEMO_FILE)
    return replace(options, record=(path,), seconds=seconds), f"{what}: writing {path} instead"


def _open_outputs(
    options: Options,
    window: Window | None,
    size: Size,
    source: Source,
    opened: ExitStack,
    report: Callable[[str], None],
) -> Outputs:
    """Open what the mosaics go to, and have `opened` close it."""
    fps = options.fps or source.info.fps
    cameras = open_sinks(size=size, fps=fps, virtual_camera=options.virtual_camera)
    for sink in cameras:
        opened.enter_context(sink)
    files = open_sinks(
        size=size,
        fps=fps,
        record=options.record,
        overwrite=options.overwrite,
        sound=source.sound,
        report=report,
    )
    for sink in files:
        opened.enter_context(sink)
    return Outputs(window=window, cameras=cameras, files=files, size=size, report=report)


def _quieten_opencv() -> None:
    """Keep OpenCV from printing what we say in one line; OPENCV_LOG_LEVEL brings it back."""
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_FATAL)
