"""Letting go of the camera while nobody looks: its light goes off, and nothing is computed."""

from __future__ import annotations

import time
from collections.abc import Callable

from realtime.outputs import Outputs
from realtime.sources import Source

REST_AFTER_S = 3.0
"""What suits: programs close a camera and open it again at once, such as for another size."""
_LOOK_EVERY_S = 0.1
"""How often to look whether somebody has come."""


class Resting:
    """Has a live source rest while none of the outputs is watched.

    Args:
        source: whose device is let go.
        outputs: tell whether somebody watches, and people what happens.
        after_s: how long nobody has watched by then.
        ended: whether the run is to end.
    """

    def __init__(
        self, source: Source, outputs: Outputs, after_s: float, ended: Callable[[], bool]
    ) -> None:
        self._source = source
        self._outputs = outputs
        self._after_s = after_s
        self._ended = ended
        self._seen_s = time.perf_counter()

    def rest(self) -> float:
        """Where nobody has watched for `after_s`, wait until somebody does or the run ends.

        Returns:
            For how many seconds the source has rested; mostly 0.

        Raises:
            DeviceError: the source cannot be had back.
        """
        start_s = time.perf_counter()
        if not self._source.info.live or not self._outputs.unseen:
            self._seen_s = start_s
        if start_s - self._seen_s < self._after_s:
            return 0.0
        self._outputs.tell(
            f"nobody reads the virtual camera: {self._source.info.name} is off until somebody does"
        )
        self._source.rest()
        while self._outputs.unseen and not self._ended():
            time.sleep(_LOOK_EVERY_S)
        if not self._outputs.unseen:
            self._outputs.tell(f"the virtual camera is read: {self._source.info.name} is on again")
            self._source.wake()
        self._seen_s = time.perf_counter()
        return self._seen_s - start_s
