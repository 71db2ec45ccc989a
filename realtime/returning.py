"""A camera that may be unplugged and plugged in again while it is read."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

from realtime.devices import CameraDevice, list_cameras
from realtime.errors import DeviceError
from realtime.sources import Source, SourceInfo, TimedFrame

SEARCH_EVERY_S = 0.5
"""How often to look whether the camera is back."""
_POLL_S = 0.1
"""How long `read` waits for it at a time: a window must go on answering meanwhile."""
_JOIN_S = 0.5

Open = Callable[[CameraDevice, Callable[[], bool]], Source]
"""Opens a camera, given what tells whether to wait for no frame any more."""


class ReturningCamera(Source):
    """A camera that is looked for when it has gone, for as long as `patience_s` says.

    Meanwhile `away` says what happened, and `read` returns None ten times a second. Frames keep
    the size that they had at first.

    Args:
        device: which one.
        open_device: opens it; called again when the device is back.
        unwanted: see `Source`.

    Raises:
        DeviceError: it does not open or does not deliver.
    """

    def __init__(
        self,
        device: CameraDevice,
        open_device: Open,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.unwanted = unwanted
        self._open = open_device
        self._camera: Source = open_device(device, self._unwanted)
        self._device = device
        self._others = _others(device)
        self._gone: DeviceError | None = None
        self._gone_s = 0.0
        self._dropped_before = 0
        self.dropped = self._camera.dropped
        self._search: _Search | None = None
        self._closed = False
        self.info = self._camera.info

    def read(self) -> TimedFrame | None:
        """Wait for the newest frame; None for the moment while `away` is set.

        Raises:
            DeviceError: the camera failed, and was not back within `patience_s`.
        """
        if self._closed or not self._here():
            return None
        try:
            return self._sized(self._camera.read())
        except DeviceError as error:
            if self.patience_s <= 0:
                raise
            self._lose(error)
            return None
        finally:
            self.dropped = self._dropped_before + self._camera.dropped

    def rest(self) -> None:
        """Let go of the camera; nothing is looked for meanwhile."""
        self._part()

    def wake(self) -> None:
        """Take the camera up again; one that has been unplugged meanwhile is looked for.

        Raises:
            DeviceError: it does not open or does not deliver, and there is no patience.
        """
        try:
            self._camera = self._open(self._device, self._unwanted)
        except DeviceError as error:
            if self.patience_s <= 0 and not self.unwanted():
                raise
            self._lose(error)

    def close(self) -> None:
        """Let go of the camera, and look for it no more."""
        self._closed = True
        self._end_search()
        self._camera.close()
        self.dropped = self._dropped_before + self._camera.dropped

    def _unwanted(self) -> bool:
        # What is asked may change while a camera is open.
        return self.unwanted()

    def _part(self) -> None:
        """Close the camera, and count what it had left."""
        self._end_search()
        self._camera.close()
        self._dropped_before += self._camera.dropped
        self.dropped = self._dropped_before
        self._camera = _Nothing(self.info)

    def _end_search(self) -> None:
        if self._search is not None:
            self._search.end()
            self._search, self.away = None, ""

    def _lose(self, error: DeviceError) -> None:
        self._part()
        self._gone, self._gone_s = error, time.perf_counter()
        self.away = f"{error.what}: looking for it, so plug it in again"
        self._search = _Search(self._device, self._others, self._open)

    def _here(self) -> bool:
        """Return whether the camera can be read; where it has gone, wait a moment for it.

        Raises:
            DeviceError: patience is at an end.
        """
        if self._search is None:
            return True
        found = self._search.wait(_POLL_S)
        if found is not None:
            self._device, self._camera = found
            self._camera.unwanted = self._unwanted
            self._others = _others(self._device)
            self._search, self.away = None, ""
        elif time.perf_counter() - self._gone_s > self.patience_s:
            self._end_search()
            raise DeviceError(f"{self._gone} (looked for it for {self.patience_s:g} s)")
        return found is not None

    def _sized(self, frame: TimedFrame | None) -> TimedFrame | None:
        """Return a frame of the size that the first camera had."""
        if frame is None or frame.image.shape[1::-1] == self.info.size:
            return frame
        image = cv2.resize(frame.image, self.info.size, interpolation=cv2.INTER_AREA)
        return TimedFrame(np.asarray(image, np.uint8), frame.time_s)


class _Nothing(Source):
    """What there is of a camera while it is away."""

    def __init__(self, info: SourceInfo) -> None:
        self.info = info
        self.dropped = 0

    def read(self) -> TimedFrame | None:
        raise DeviceError(f"{self.info.name} is away: plug it in again")

    def close(self) -> None:
        pass


def _others(device: CameraDevice) -> frozenset[str | int]:
    """Return the addresses of all other cameras, so that none of them is mistaken for it."""
    return frozenset(camera.address for camera in list_cameras()) - {device.address}


class _Search:
    """Looks for a camera in a thread of its own, since opening one may take seconds.

    Args:
        device: as it was before it went away.
        others: cameras that were there before it went away, and are not it.
        open_device: opens it.
    """

    def __init__(
        self, device: CameraDevice, others: frozenset[str | int], open_device: Open
    ) -> None:
        self._device = device
        self._others = others
        self._open = open_device
        self._ended = threading.Event()
        self._found: tuple[CameraDevice, Source] | None = None
        self._settled = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"search {device}", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> tuple[CameraDevice, Source] | None:
        """Return the camera once it is back; None if it is not within so many seconds."""
        with self._settled:
            self._settled.wait_for(lambda: self._found is not None, seconds)
            return self._found

    def end(self) -> None:
        """Look no more, and close what was found."""
        self._ended.set()
        self._thread.join(_JOIN_S)
        if self._found is not None:
            self._found[1].close()

    def _run(self) -> None:
        while not self._ended.is_set():
            found = self._try()
            if found is None:
                self._ended.wait(SEARCH_EVERY_S)
            elif self._ended.is_set():
                return found[1].close()
            else:
                with self._settled:
                    self._found = found
                    self._settled.notify_all()
                return None
        return None

    def _try(self) -> tuple[CameraDevice, Source] | None:
        device = self._again()
        if device is None:
            return None
        try:
            return device, self._open(device, self._ended.is_set)
        except DeviceError:
            # Not quite back: its node is there before it may be opened, or it sends nothing yet.
            return None

    def _again(self) -> CameraDevice | None:
        """Return the camera as it is listed now, perhaps at another address."""
        cameras = list_cameras()
        if not cameras and sys.platform != "linux":
            # No names known here: an index has to do.
            return self._device
        candidates = [
            camera
            for camera in cameras
            if camera.name == self._device.name and camera.address not in self._others
        ]
        candidates.sort(key=lambda camera: camera.address != self._device.address)
        return next(iter(candidates), None)
