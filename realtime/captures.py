"""Pictures and recordings made by a key, in files named after the moment."""

from __future__ import annotations

import os
import time
from pathlib import Path

from realtime.arrays import Frame, Size
from realtime.errors import AutomosaicError
from realtime.output_file import free
from realtime.outputs import Outputs
from realtime.sinks import Sink, open_file


class Captures:
    """Makes the files.

    Args:
        outputs: where a recording takes part.
        folder: for the files; the current one unless given, or the home folder where that may
            not be written, as when the program was started from a menu.
    """

    def __init__(self, outputs: Outputs, folder: Path | None = None) -> None:
        self._outputs = outputs
        self._folder = folder
        self._take: tuple[Sink, Path] | None = None

    @property
    def running(self) -> bool:
        """Whether a recording takes mosaics."""
        return self._take is not None and self._outputs.has(self._take[0])

    def picture(self, mosaic: Frame) -> Path | None:
        """Write a mosaic, [H, W, 3] uint8 BGR, to a new picture file.

        Returns:
            Its path; None where that failed, which has been reported.
        """
        path = self._new_path(".png")
        try:
            with open_file(path, (mosaic.shape[1], mosaic.shape[0]), 0) as file:
                file.send(mosaic, 0)
        except AutomosaicError as error:
            self._outputs.fail(error)
            return None
        return path

    def start(self, size: Size, fps: float) -> Path | None:
        """Start recording the mosaics, of `size` (width, height), to a new file.

        Args:
            size: of the mosaics.
            fps: the expected mosaics a second; 0 where unknown.

        Returns:
            Its path; None where that failed, which has been reported.
        """
        path = self._new_path(".mp4")
        try:
            take = open_file(path, size, fps)
        except AutomosaicError as error:
            self._outputs.fail(error)
            return None
        self._take = take, path
        self._outputs.add(take, size)
        return path

    def stop(self) -> Path | None:
        """Finish the recording.

        Returns:
            Its path; None where there was none.
        """
        if self._take is None:
            return None
        (take, path), self._take = self._take, None
        self._outputs.remove(take)
        return path

    def _new_path(self, suffix: str) -> Path:
        name = time.strftime("automosaic-%Y%m%d-%H%M%S")
        folder = self._folder or _writable_folder()
        return free(folder / f"{name}{suffix}")


def _writable_folder() -> Path:
    here = Path.cwd()
    return here if os.access(here, os.W_OK) else Path.home()
