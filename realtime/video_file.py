"""A video file that plays whatever happens while it is written: a kill, a full disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, cast

import av

# First OpenCV: where PyAV's X11 libraries are loaded before, OpenCV's windows hang.
import cv2  # isort: split  # noqa: F401
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from realtime.arrays import Plane, Size
from realtime.output_file import write_all
from realtime.sinks import frame_rate
from realtime.sound import Sound, SoundFormat
from realtime.sources import SoundTrack

# What a killed process loses at most, beside the frames still waiting to be encoded.
_FRAGMENT_MS = 500
KEY_INTERVAL_S = 2.0
"""Longest stretch between frames a player can jump to."""
_THREADS = 2

# AVCOL_* of libavutil/pixfmt.h. OpenCV's I420 is BT.601 of limited range; untagged, players take
# a picture of 720 lines for BT.709 and show wrong greens.
_MATRIX_BT601 = 6
_PRIMARIES_BT709 = 1
_TRANSFER_BT709 = 1
_LIMITED_RANGE = 1


@dataclass(frozen=True)
class VideoFormat:
    """How an ending is written.

    Attributes:
        muxer: libavformat's name of the container.
        muxer_options: its settings.
        codec: libavcodec's name of the encoder.
        codec_options: its settings.
        ticks_per_s: the time base of the container, so that the time stamps written are kept.
        sound: how it takes sound.
    """

    muxer: str
    muxer_options: dict[str, str]
    codec: str
    codec_options: dict[str, str]
    ticks_per_s: int
    sound: SoundFormat


# Measured on mosaics of 1280x720 in 3,600 tiles, one 2 GHz core, per frame: ultrafast 5 ms,
# 6.6 Mbit/s, 42 dB; superfast at the same crf 8 ms, 4.4 Mbit/s, 38 dB; faster 17 ms, 3.0 Mbit/s,
# 37 dB. Sharp edges suit ultrafast, which leaves out the deblocking that blurs them.
# zerolatency hands every frame out at once, so that a kill loses none inside the encoder.
_H264 = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"}
# Measured likewise: 16 ms, 5.5 Mbit/s, 42 dB. "b" 0 makes crf the only aim.
_VP9 = {
    "deadline": "realtime",
    "cpu-used": "8",
    "row-mt": "1",
    "tile-columns": "2",
    "lag-in-frames": "0",
    "crf": "32",
    "b": "0",
}
# libav holds packets back until it has some of every stream; here they come in order already.
_IN_ORDER = {"max_interleave_delta": "1", "flush_packets": "1"}
# Fragments while writing, an ordinary file with an index at its end after a proper close. The
# opening index waits for the first packets, because it tells at what moments they begin.
_MP4 = {
    "movflags": "hybrid_fragmented+delay_moov",
    "frag_duration": str(1000 * _FRAGMENT_MS),
    **_IN_ORDER,
}
_MATROSKA = {"cluster_time_limit": str(_FRAGMENT_MS), **_IN_ORDER}

_FILM = frozenset({"aac", "mp3", "ac3", "eac3"})
_ANY = _FILM | {"alac", "dts", "flac", "mp2", "opus", "pcm_s16le", "pcm_s24le", "vorbis"}
_MP4_SOUND = SoundFormat(_FILM, "aac", lead_s=0.1, latest_s=_FRAGMENT_MS / 1000)
_MKV_SOUND = SoundFormat(_ANY, "aac")
_WEBM_SOUND = SoundFormat(frozenset({"opus", "vorbis"}), "libopus")

FORMATS = {
    ".mp4": VideoFormat("mp4", _MP4, "libx264", _H264, 90_000, _MP4_SOUND),
    ".mkv": VideoFormat("matroska", _MATROSKA, "libx264", _H264, 1000, _MKV_SOUND),
    ".webm": VideoFormat("webm", _MATROSKA, "libvpx-vp9", _VP9, 1000, _WEBM_SOUND),
}
VIDEO_SUFFIXES = tuple(FORMATS)


class VideoFile:
    """One video stream in one file, and the sound that goes with it.

    Attributes:
        sound: None without.
    """

    def __init__(self, file: BinaryIO, video: VideoFormat, size: Size, fps: float) -> None:
        """Open the encoder.

        Args:
            file: open for writing, empty and seekable. It is closed at the end.
            video: how to write it.
            size: (width, height) of the frames before padding.
            fps: the expected rate; 0 where unknown.

        Raises:
            av.FFmpegError: the encoder does not take this size.
        """
        self._file = _PatchedLast(file)
        self._container = av.open(self._file, "w", format=video.muxer, options=video.muxer_options)
        # The rate only tells how long the very last frame is shown.
        stream = self._container.add_stream(
            video.codec, rate=frame_rate(fps), options=video.codec_options
        )
        self._stream = cast(VideoStream, stream)
        self._time_base = Fraction(1, video.ticks_per_s)
        self._key_ticks = round(KEY_INTERVAL_S * video.ticks_per_s)
        self._next_key = 0
        self._end_s = 0.0
        self._last_s = float(1 / frame_rate(fps))
        self._how_sound = video.sound
        self.sound: Sound | None = None
        self._held: Packet[VideoStream] | None = None
        self._open_encoder(size)

    def _open_encoder(self, size: Size) -> None:
        encoder = self._stream.codec_context
        encoder.width, encoder.height = (length + length % 2 for length in size)
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = self._time_base
        encoder.thread_count = _THREADS
        # Key frames come by time, see `write`: this count is only to keep out of the way.
        encoder.gop_size = 100_000
        encoder.colorspace = _MATRIX_BT601
        encoder.color_primaries = _PRIMARIES_BT709
        encoder.color_trc = _TRANSFER_BT709
        encoder.color_range = _LIMITED_RANGE
        encoder.open()

    def add_sound(self, track: SoundTrack) -> None:
        """Have the sound of a clip written along with its frames; before the first `write`.

        Raises:
            DeviceError: it cannot be read; the file goes on without.
        """
        self.sound = Sound(track, self._container, self._how_sound)

    @property
    def closed(self) -> bool:
        """Whether it has been finished, abandoned, or has failed."""
        return self._file.closed

    def write(self, planes: Plane, ticks: int) -> None:
        """Encode and write a frame.

        Args:
            planes: [H * 3 / 2, W] uint8, see `realtime.planes`.
            ticks: its presentation time in `VideoFormat.ticks_per_s`, more than the last one's.

        Raises:
            OSError: the file cannot be written; it is closed and plays up to there.
        """
        # A copy, because PyAV 18 takes planes as they are only for heights that 4 divides.
        frame = VideoFrame.from_ndarray(planes, "yuv420p")
        frame.pts, frame.time_base = ticks, self._time_base
        frame.colorspace, frame.color_range = _MATRIX_BT601, _LIMITED_RANGE
        if ticks >= self._next_key:
            frame.pict_type = PictureType.I
            self._next_key = ticks + self._key_ticks
        moment_s = float(ticks * self._time_base)
        with self._abandoned_on_failure():
            self._write_packets(frame)
            if self.sound is not None:
                self.sound.write_until(moment_s)
            self._file.mark()
        self._end_s = moment_s + self._last_s

    def finish(self) -> None:
        """Write what the encoder still holds and the index, and close the file.

        Raises:
            OSError: the file cannot be written; it is closed and plays up to there.
        """
        with self._abandoned_on_failure():
            self._write_packets(None)
            if self._held is not None:
                self._container.mux(self._held)
            if self.sound is not None:
                self.sound.finish(self._end_s)
            self._file.mark()
            self._container.close()
            self._file.settle()

    def abandon(self) -> None:
        """Close the file as it is: what has been written plays."""
        if self.sound is not None:
            self.sound.close()
        # First the file: PyAV writes no more into one that is closed, not even the index.
        self._file.abandon()
        self._container.close()

    def _write_packets(self, frame: VideoFrame | None) -> None:
        """Encode a frame, or with None what is left, and write all packets but the last one.

        A packet is held until the next one tells how long its picture is shown. A fragment of an
        MP4 that ends with a wrong guess would have the next picture come at a wrong moment.
        """
        for packet in self._stream.encode(frame):
            held, self._held = self._held, packet
            if held is None:
                continue
            if held.pts is not None and packet.pts is not None:
                held.duration = packet.pts - held.pts
            self._container.mux(held)

    @contextmanager
    def _abandoned_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.abandon()
            raise


class _PatchedLast:
    """A file whose written part is changed only once all else is safely there.

    Closing an MP4 first turns its opening index into plain data and then appends the final one.
    A kill or a full disk between the two would leave a file without an index that plays nowhere.
    Here changes to the written part wait until `settle`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0
        self._end = 0
        self._whole = 0
        self._patches: list[tuple[int, bytes]] = []

    @property
    def closed(self) -> bool:
        """Whether it is closed; PyAV looks."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Append `data`, or note it for later where it changes the written part."""
        if self._position == self._end:
            write_all(self._file, data)
        else:
            self._patches.append((self._position, data))
        self._position += len(data)
        self._end = max(self._end, self._position)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to byte `offset`; libav only ever counts from the start."""
        if whence != 0:
            raise ValueError(f"whence: found {whence}, expected 0")
        self._position = offset
        return offset

    def tell(self) -> int:
        """Return the place of the next write."""
        return self._position

    def mark(self) -> None:
        """Remember that the file is whole up to here."""
        self._whole = self._end

    def settle(self) -> None:
        """Change the written part at last, and close the file."""
        for offset, data in self._patches:
            self._file.seek(offset)
            write_all(self._file, data)
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it was at the last `mark`."""
        if not self.closed:
            self._file.truncate(self._whole)
            self._file.close()
