"""What a stranger writes with the public API, for `test_api.py` and .ci/test-package to check."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from realtime import MosaicFilter, __version__
from realtime.errors import AutomosaicError, DeviceError, UserError
from realtime.mosaic import Mosaic
from realtime.sinks import Sink, open_file, open_sinks
from realtime.sources import Source, TimedFrame, open_source

Image = npt.NDArray[np.uint8]


def mosaic_of(image: Image) -> Image:
    """Return the mosaic of a picture, [H, W, 3] uint8 BGR."""
    made = MosaicFilter.load("digits", columns=40, colour="tint", stabilise=False)
    return made(image)


def film(name: str, path: str, frames: int) -> int:
    """Record so many mosaics of a source, and return how many there were."""
    made = MosaicFilter.load(providers=["cpu"], size=(640, 360))
    done = 0
    source: Source = open_source(name)
    sink: Sink = open_file(path, (640, 360), fps=source.info.fps, overwrite=True)
    with source, sink:
        while done < frames:
            frame: TimedFrame | None = source.read()
            if frame is None:
                break
            mosaic: Mosaic = made.make(frame.image)
            planes: Image = mosaic.i420()
            sink.send(planes if sink.takes_planes else mosaic.bgr(), frame.time_s)
            made.columns += 1
            done += 1
    size: tuple[int, int] = mosaic.size
    rows: int = made.rows
    cost_ms: float = made.timings["decode"]
    names: list[str] = MosaicFilter.available()
    print(__version__, size, rows, cost_ms, names)
    return done


def main() -> int:
    """Try it."""
    others: list[Sink] = open_sinks(size=(64, 48), fps=30, record=[])
    assert not others
    try:
        return 0 if film("demo", sys.argv[1], 5) == 5 else 1
    except UserError as error:
        status: int = error.exit_status
        return status
    except (DeviceError, AutomosaicError) as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
