"""Runs camera -> virtual camera -> recording for long, and watches memory, time, frames and sound.

python -m benchmarks.soak                           an hour; needs a webcam and a virtual camera
python -m benchmarks.soak --minutes 5 --source demo --no-virtual-camera

Not among `python -m benchmarks`: it takes the time that it is given. The recording, at most 4 GB an
hour, is removed unless `--keep` is given. An .mp4 keeps an index, of 8 MB for every hour at 30 fps.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import cv2  # isort: split

import av
import numpy as np

from benchmarks.__main__ import HEAD, LAYOUT, line
from benchmarks.filter import HD
from benchmarks.memory import rest_mb
from benchmarks.startup import ROOT
from benchmarks.timing import Row
from realtime import MosaicFilter
from realtime.arrays import Frame
from realtime.atlas import MOST_BYTES
from realtime.loop import Settings, run
from realtime.outputs import Outputs
from realtime.sinks import CheckedSink, open_sinks
from realtime.sources import open_source
from realtime.tally import Statistics

SAMPLE_S = 2.0
WARM_S = 20.0
"""Until then the memory is that of starting."""


class Witness(CheckedSink):
    """A sink that only notes when mosaics were captured and when they came.

    Attributes:
        captured_s: moments on the source's clock.
        late_s: how long after its capture each came.
    """

    def __init__(self) -> None:
        super().__init__("witness", None)
        self.captured_s = array("d")
        self.late_s = array("f")

    def _send(self, mosaic: Frame, time_s: float) -> None:
        self.captured_s.append(time_s)
        self.late_s.append(time.perf_counter() - time_s)

    def _close(self) -> None:
        pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print what was seen, and return whether a bar was missed."""
    asked = _parse(arguments)
    if asked.read:
        return _read(asked.read)
    if not asked.overwrite and asked.record.exists():
        print(f"{asked.record} is there already: pass --overwrite or another --record")
        return 2
    print(LAYOUT.format(*HEAD))
    rows = [*_live(asked), *_sound(asked)]
    for row in rows:
        print(line(row), flush=True)
    return int(any(row.met is False for row in rows))


def _live(asked: argparse.Namespace) -> Iterator[Row]:
    witness = Witness()
    device = None if asked.no_virtual_camera else asked.virtual_camera
    made = MosaicFilter.load("digits", columns=64, size=HD, colour=asked.colour)
    with _memory(made) as samples, _reader(device) as seen:
        statistics = _run(asked, made, device, witness)
    yield from memory_rows(samples)
    yield Row("memory", "MB of tiles kept, besides", made.kept_bytes / 1e6, bar=MOST_BYTES / 1e6)
    yield from _time_rows(asked.record, witness)
    yield from _frame_rows(statistics, witness, seen)
    if not asked.keep:
        asked.record.unlink()


def _run(
    asked: argparse.Namespace, made: MosaicFilter, device: str | None, witness: Witness
) -> Statistics:
    source = open_source(asked.source, size=HD, fps=30)
    source.patience_s = 30
    # A mosaic fixes the size before the sinks open.
    made(np.zeros((HD[1], HD[0], 3), np.uint8))
    cameras = open_sinks(size=HD, fps=30, virtual_camera=device)
    files = open_sinks(size=HD, fps=30, record=[asked.record], overwrite=asked.overwrite)
    outputs = Outputs(cameras=cameras, files=[*files, witness], size=HD, report=print)
    return run(source, made, outputs, Settings(seconds=60 * asked.minutes, size=HD))


@contextmanager
def _memory(made: MosaicFilter) -> Iterator[array[float]]:
    """Note `rest_mb` until the `with` ends."""
    samples, ended = array("d"), threading.Event()

    def note() -> None:
        while not ended.wait(SAMPLE_S):
            samples.append(rest_mb(made))

    thread = threading.Thread(target=note, name="memory")
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


@contextmanager
def _reader(device: str | None) -> Iterator[dict[str, float]]:
    """Have another process read the virtual camera; what it saw is there when the `with` ends."""
    seen: dict[str, float] = {}
    if device is None:
        yield seen
        return
    command = [sys.executable, "-m", "benchmarks.soak", "--read", device]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield seen
        finally:
            seen.update(json.loads(process.communicate()[0] or "{}"))


def _read(device: str) -> int:
    """Read a virtual camera until stdin ends, and print how many frames came in which time."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    frames, first_s, last_s, longest_s = 0, 0.0, 0.0, 0.0
    capture = cv2.VideoCapture()
    while not ended.is_set():
        if not capture.isOpened():
            # With exclusive_caps it is a camera from the writer's first frame on.
            capture.open(device, cv2.CAP_V4L2)
            ended.wait(0.2)
        elif capture.grab():
            now = time.perf_counter()
            first_s = first_s or now
            longest_s = max(longest_s, now - last_s if last_s else 0.0)
            frames, last_s = frames + 1, now
    print(json.dumps({"frames": frames, "seconds": last_s - first_s, "longest_s": longest_s}))
    return 0


def memory_rows(samples: Sequence[float]) -> Iterator[Row]:
    """Yield what is to say of the memory, given samples of it in MB; no bar for a short run."""
    warm = samples[round(WARM_S / SAMPLE_S) :]
    bar = 1.05 if warm else None
    warm = warm or samples
    tenth = max(1, len(warm) // 10)
    first, last = statistics.median(warm[:tenth]), statistics.median(warm[-tenth:])
    yield Row("memory", "MB: last tenth of the time / first tenth", last, first, bar)
    yield Row("memory", "MB: at most / first tenth", max(warm), first, bar)
    tenths = [statistics.median(warm[at : at + tenth]) for at in range(0, len(warm), tenth)]
    print("MB, tenth by tenth:", *(f"{part:.1f}" for part in tenths), flush=True)


def _time_rows(record: Path, witness: Witness) -> Iterator[Row]:
    times = _packet_times(record)
    true = [moment - witness.captured_s[0] for moment in witness.captured_s]
    wrong_ms = [1000 * abs(a - b) for a, b in zip(times, true, strict=False)]
    yield Row("recording", "frames: sent, but not in the file", abs(len(true) - len(times)), bar=0)
    yield Row("recording", "ms: time stamps off by at most", max(wrong_ms), bar=1)
    tenth = max(1, len(witness.late_s) // 10)
    last_ms, first_ms = (
        1000 * statistics.median(part) for part in (witness.late_s[-tenth:], witness.late_s[:tenth])
    )
    yield Row("delay", "ms: last tenth / first tenth", last_ms, first_ms)


def _packet_times(record: Path) -> list[float]:
    """Return the times of a recording's frames in seconds, from the first on."""
    with av.open(str(record)) as container:
        stream = container.streams.video[0]
        ticks = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
        base = stream.time_base
        assert base is not None
    return [float((tick - min(ticks)) * base) for tick in sorted(ticks)]


def _frame_rows(told: Statistics, witness: Witness, seen: dict[str, float]) -> Iterator[Row]:
    length_s = witness.captured_s[-1] - witness.captured_s[0]
    yield Row("frames", "captured", told.captured)
    yield Row("frames", "shown", told.frames)
    yield Row("frames", "dropped", told.dropped)
    lost = told.captured - told.frames - told.dropped
    yield Row("frames", "captured, but neither shown nor dropped", abs(lost), bar=0)
    yield Row("frames", "captured / of 30 a second", told.captured, 30 * length_s)
    yield Row("failures", "of source and sinks", len(told.failures), bar=0)
    print("given up to hold the rate:", told.given_up or "nothing", flush=True)
    if seen:
        yield Row(
            "virtual camera", "frames: read / shown", seen["frames"], told.frames, 0.99, False
        )
        yield Row("virtual camera", "s: longest gap seen by a reader", seen["longest_s"])


_RATE = 48_000
_BLOCK = 4800
_LOUD = 0.2
"""Of the full range; a beep has more."""


def _sound(asked: argparse.Namespace) -> Iterator[Row]:
    """Work through a clip as long as the run, with a beep every second, and look for drift."""
    clip, record = (asked.record.with_name(f"soak-{name}") for name in ("in.mkv", "out.webm"))
    seconds = round(60 * asked.minutes)
    try:
        _write_clip(clip, seconds)
        made = MosaicFilter.load("digits", columns=4, size=(64, 48))
        with open_source(str(clip)) as source:
            files = open_sinks(
                size=(64, 48), fps=1, record=[record], sound=source.sound, overwrite=True
            )
            run(source, made, Outputs(files=files, size=(64, 48)), Settings())
        heard = _beeps(record)
    finally:
        for path in (clip, record):
            path.unlink(missing_ok=True)
    off_ms = [1000 * (moment - number) for number, moment in enumerate(heard)]
    yield Row("sound", "beeps: made, but not heard", abs(seconds - len(heard)), bar=0)
    yield Row("sound", "ms: the worst beep is off by", max(map(abs, off_ms)), bar=33)
    yield Row("sound", "ms: drift from first to last", abs(off_ms[-1] - off_ms[0]), bar=5)


def _write_clip(path: Path, seconds: int) -> None:
    """Write a clip of one grey frame and one beep a second."""
    beep = np.sin(np.arange(_BLOCK) * 2 * np.pi * 1000 / _RATE).astype(np.float32)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=1)
        sound = container.add_stream("flac", rate=_RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound.codec_context.layout = "mono"
        for second in range(seconds):
            grey = np.full((48, 64, 3), second % 200, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, "bgr24")))
            for part in range(_RATE // _BLOCK):
                samples = (20_000 * (beep if part == 0 else 0 * beep)).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
                frame.sample_rate, frame.pts = _RATE, second * _RATE + part * _BLOCK
                container.mux(sound.encode(frame))
        container.mux([*video.encode(None), *sound.encode(None)])


def _beeps(path: Path) -> list[float]:
    """Return the moments of a film at which its sound becomes loud, from its first frame on."""
    found: list[float] = []
    with av.open(str(path)) as container:
        start_s = next(frame.time for frame in container.decode(video=0)) or 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0].astype(np.float32)) > _LOUD)
            for place in islice(loud, 1):
                moment = (frame.time or 0.0) + place / _RATE - start_s
                if not found or moment - found[-1] > 0.5:
                    found.append(float(moment))
    return found


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--minutes", type=float, default=60, help="%(default)s")
    parser.add_argument("--source", default="0", help="camera, or demo (%(default)s)")
    parser.add_argument("--virtual-camera", default="/dev/video10", metavar="DEVICE")
    parser.add_argument("--no-virtual-camera", action="store_true")
    parser.add_argument("--colour", default="mono")
    parser.add_argument("--record", type=Path, default=Path("soak.mkv"), help="%(default)s")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the recording")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
