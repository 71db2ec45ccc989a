"""A clip from a file, every frame at its true time, through PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from realtime.arrays import MOST_PIXELS, Frame, Size
from realtime.errors import DeviceError, UserError
from realtime.sources import SoundTrack, Source, SourceInfo, TimedFrame

if TYPE_CHECKING:
    # At run time PyAV is imported where it is used: a camera does without it and starts sooner.
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}
"""OpenCV's word for a turn by so many degrees against the clock."""
_NO_NETWORK = {"protocol_whitelist": "file"}
"""A clip may be a list of other clips, of which none is fetched from elsewhere."""
_FALLBACK_FPS = 25.0
"""For frames whose file does not say when they are due."""


class Video(Source):
    """The pictures of a clip, in order and none left out, upright and with square pixels.

    Frames of another size than the first are scaled to it.

    Args:
        path: a file of any kind that FFmpeg decodes.

    Raises:
        UserError: the file is missing, unreadable, or holds no pictures.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._container = _open_container(self._path)
        self._ended = False
        try:
            self._stream = _video_stream(self._container, self._path)
            self._frames = self._decoded()
            first = next(self._frames, None)
            if first is None:
                raise UserError(f"cannot read {self._path}: no picture in it can be decoded")
        except BaseException:
            self._container.close()
            raise
        self._pending: VideoFrame | None = first
        self._start_s = first.time or 0.0
        self._last_s = 0.0
        self._coded_size = _square_size(first, self._stream)
        self.dropped = 0
        self.sound = self._find_sound()
        self.info = self._describe(first)

    def read(self) -> TimedFrame | None:
        """Return the next frame with its time from the start of the clip.

        Raises:
            DeviceError: the file can be read no further, such as when its disk has gone.
        """
        frame, self._pending = self._pending or next(self._frames, None), None
        if frame is None:
            return None
        if frame.time is not None:
            # A file cut without care may step back in time; a viewer cannot.
            self._last_s = max(self._last_s, frame.time - self._start_s)
        else:
            self._last_s += 1 / (self.info.fps or _FALLBACK_FPS)
        return TimedFrame(self._upright(frame), self._last_s)

    def close(self) -> None:
        """Close the file."""
        self._pending, self._frames = None, iter(())
        self._container.close()

    def _decoded(self) -> Iterator[VideoFrame]:
        from av.error import FFmpegError, InvalidDataError

        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except InvalidDataError:
                    # A damaged packet costs its frame; what follows can be decoded again.
                    continue
        except FFmpegError as error:
            raise DeviceError(f"reading {self._path} failed: {error.strerror}") from error
        self._ended = True

    def _describe(self, first: VideoFrame) -> SourceInfo:
        width, height = self._coded_size
        size = (height, width) if first.rotation % 180 == 90 else (width, height)
        rate = self._stream.average_rate or self._stream.guessed_rate
        return SourceInfo(
            self._path.name,
            size,
            fps=float(rate) if rate else 0.0,
            live=False,
            frames=self._stream.frames or None,
            seconds=_seconds(self._container),
        )

    def _find_sound(self) -> SoundTrack | None:
        """Return the sound that players choose: the file's default, else its first."""
        from av.stream import Disposition

        tracks = self._container.streams.audio
        preferred = (track for track in tracks if track.disposition & Disposition.default)
        track = next(preferred, next(iter(tracks), None))
        if track is None:
            return None
        return SoundTrack(self._path, track.index, self._start_s, lambda: self._ended)

    def _upright(self, frame: VideoFrame) -> Frame:
        """Return a decoded frame as [H, W, 3] uint8 BGR, turned as the file asks."""
        width, height = self._coded_size
        image = frame.to_ndarray(format="bgr24", width=width, height=height)
        turn = _TURNS.get(frame.rotation % 360)
        upright = image if turn is None else cv2.rotate(image, turn)
        return upright.astype(np.uint8, copy=False)


def _open_container(path: Path) -> InputContainer:
    import av

    try:
        # Absolute, since FFmpeg takes what stands before a colon for a protocol.
        return av.open(str(path.resolve()), options=_NO_NETWORK, metadata_errors="replace")
    except av.error.InvalidDataError as error:
        raise UserError(
            f"cannot read {path}: it is no clip or picture, or it is damaged"
        ) from error
    except (av.error.FFmpegError, OSError) as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise UserError(f"cannot read {path}: there are no pictures in it")
    # The best is the film rather than a cover picture that is stored beside it.
    best = container.streams.best("video")
    stream = next((s for s in container.streams.video if s == best), container.streams.video[0])
    if stream.codec_context is None:  # PyAV's types do not tell
        raise UserError(f"cannot read {path}: there is no decoder for its pictures")
    # All cores decode ahead while the frame before is being turned into a mosaic.
    stream.thread_type = "AUTO"
    # FFmpeg itself goes on to eight times as many.
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return stream


def _seconds(container: InputContainer) -> float | None:
    """Return how long the file says that it is."""
    # In microseconds.
    return container.duration / 1e6 if container.duration else None


def _square_size(frame: VideoFrame, stream: VideoStream) -> Size:
    """Return the frame's (width, height) once its pixels are made square."""
    aspect = stream.sample_aspect_ratio
    return round(frame.width * float(aspect or 1)), frame.height
