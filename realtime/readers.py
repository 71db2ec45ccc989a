"""Whether any program reads a virtual camera, where the driver tells: v4l2loopback since 0.13."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

# Of linux/videodev2.h, the same numbers on every architecture but Alpha's kin.
_SUBSCRIBE = 0x4020565A
_NEXT_EVENT = 0x80885659
_SUBSCRIPTION = struct.Struct("III20x")
"""struct v4l2_event_subscription: type, id, flags."""
_EVENT = struct.Struct("@I4xI60x2I16xI36x")
"""struct v4l2_event: type, the first number of what it tells, pending, sequence, time, id."""
_FROM_NOW_ON_AND_NOW = 1
_CLIENT_USAGE = 0x08000000 + 0x08E00000 + 1
"""v4l2loopback's own event: a program has begun to take pictures, or has ended."""


class Readers:
    """Watches who reads a v4l2loopback device.

    A program counts while it takes pictures: one that merely lists cameras does not.

    Raises:
        OSError: the device cannot be opened, or its driver does not tell.
    """

    def __init__(self, device: str) -> None:
        self._any = False
        self._node = os.open(device, os.O_RDWR | os.O_NONBLOCK)
        try:
            wish = _SUBSCRIPTION.pack(_CLIENT_USAGE, 0, _FROM_NOW_ON_AND_NOW)
            fcntl.ioctl(self._node, _SUBSCRIBE, wish)
        except OSError:
            self.close()
            raise

    @property
    def any(self) -> bool:
        """Whether a program takes pictures now."""
        event = bytearray(_EVENT.size)
        while self._node >= 0:
            try:
                fcntl.ioctl(self._node, _NEXT_EVENT, event)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    # The device has gone. Who writes to it will tell more; nobody is to wait here.
                    self._any = True
                break
            self._any = _EVENT.unpack(event)[1] > 0
        return self._any

    def close(self) -> None:
        """Watch no more. Calling it again does nothing."""
        if self._node >= 0:
            os.close(self._node)
            self._node = -1
