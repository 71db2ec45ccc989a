"""The sound of a clip, beside the pictures of its recording: copied as it is, or encoded anew."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeAlias, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet

from realtime.errors import DeviceError
from realtime.sources import SoundTrack

_JITTER_S = 0.02
"""Pieces of sound that are further apart, or overlap more, are set right; less cannot be heard."""
_BIT_RATE = 64_000
"""For a channel: what AAC and Opus need to sound like their source."""
_USUAL_RATE = 48_000
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
"""By the number of channels: what every encoder here takes. Other sound is mixed to stereo."""
_BLOCK = 1024

Samples: TypeAlias = npt.NDArray[np.float32]
"""[channels, N] float32, -1..1."""


@dataclass(frozen=True)
class SoundFormat:
    """How a container takes sound.

    Attributes:
        copied: codecs that it takes and that players of it know.
        codec: libavcodec's name of the encoder for all others.
        lead_s: sound from so long before the first picture is written, and players leave it out:
            a decoder that starts there is in full swing when it is heard.
        latest_s: a container that waits for the first sound must not wait longer than this.
    """

    copied: frozenset[str]
    codec: str
    lead_s: float = 0.0
    latest_s: float = math.inf


class Sound:
    """The sound of one recording, written piece by piece as the pictures go on.

    Time counts from the first picture: the sound keeps its place against the pictures. What is
    damaged is left out.

    Attributes:
        damaged: how many pieces were left out.
    """

    def __init__(self, track: SoundTrack, output: OutputContainer, how: SoundFormat) -> None:
        """Look at the sound and announce it to the recording.

        Args:
            track: where it is.
            output: to whose streams it is added; nothing has been written to it yet.
            how: what the container takes.

        Raises:
            DeviceError: nothing in the track can be decoded.
        """
        self._reader = _Reader(track)
        self._whole = track.whole
        self._pieces = self._reader.pieces()
        self._next = self._after(-how.lead_s)
        if self._next is None:
            self._reader.close()
            raise DeviceError(f"{track.path}: no sound in it can be decoded")
        stream = self._reader.stream
        copied = _is_copied(stream, how) and self._next.start_s <= how.latest_s
        self._writer: _Writer = _Copier(output, stream) if copied else _Encoder(output, stream, how)

    @property
    def damaged(self) -> int:
        """How many pieces were left out."""
        return self._reader.damaged + self._writer.refused

    def write_until(self, time_s: float) -> None:
        """Write the pieces that end by `time_s`.

        Raises:
            OSError: the file cannot be written.
        """
        while self._next is not None and self._next.end_s <= time_s:
            self._writer.write(self._next, math.inf)
            self._next = next(self._pieces, None)
        if self._next is not None:
            self._writer.fill(min(self._next.start_s, time_s))

    def finish(self, end_s: float) -> None:
        """Write the rest: to `end_s`, where the last picture ends, or all if the clip was whole.

        Raises:
            OSError: the file cannot be written.
        """
        if self._whole():
            end_s = math.inf
        while self._next is not None and self._next.start_s < end_s:
            self._writer.write(self._next, end_s)
            self._next = next(self._pieces, None)
        self._writer.finish()
        self.close()

    def close(self) -> None:
        """Let go of the clip."""
        self._next, self._pieces = None, iter(())
        self._reader.close()

    def _after(self, time_s: float) -> _Piece | None:
        """Return the first piece of which something is heard after `time_s`."""
        return next((piece for piece in self._pieces if piece.end_s > time_s), None)


@dataclass(frozen=True)
class _Piece:
    """A packet of sound and what it decodes to, all in time from the first picture."""

    packet: Packet[AudioStream]
    frames: list[AudioFrame]
    start_s: float
    end_s: float


class _Reader:
    """Reads the pieces of a track that are whole."""

    def __init__(self, track: SoundTrack) -> None:
        self.damaged = 0
        self._start_s = track.start_s
        try:
            self._container = av.open(str(track.path.resolve()), metadata_errors="replace")
        except (FFmpegError, OSError) as error:
            raise DeviceError(f"{track.path}: {error.strerror}") from error
        self.stream = cast(AudioStream, self._container.streams[track.stream])
        if self.stream.codec_context is None:  # no decoder; PyAV's types do not tell
            self.close()
            raise DeviceError(f"{track.path}: its sound is of a kind that cannot be decoded")

    def pieces(self) -> Iterator[_Piece]:
        try:
            for packet in self._container.demux(self.stream):
                piece = self._piece(packet)
                if piece is not None:
                    yield piece
        except FFmpegError:
            # The file can be read no further, of which the reader of the pictures will tell more.
            self.damaged += 1

    def close(self) -> None:
        self._container.close()

    def _piece(self, packet: Packet[AudioStream]) -> _Piece | None:
        moment = packet.pts if packet.pts is not None else packet.dts
        if moment is None or packet.size == 0:
            return None
        try:
            # Also where packets are copied: what does not decode would only stutter.
            frames = packet.decode()
        except FFmpegError:
            self.damaged += 1
            return None
        base = packet.time_base
        packet.pts = packet.dts = moment - round(self._start_s / base)
        for frame in frames:
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(self._start_s / frame.time_base)
        start_s = float(packet.pts * base)
        return _Piece(packet, frames, start_s, start_s + float((packet.duration or 0) * base))


class _Writer(Protocol):
    """How pieces get into a recording.

    Attributes:
        refused: pieces that do not fit, such as one from before the last.
    """

    refused: int

    def write(self, piece: _Piece, end_s: float) -> None:
        """Write what is heard of `piece` before `end_s`."""
        ...

    def fill(self, time_s: float) -> None:
        """Know that nothing is heard from the last piece on to `time_s`."""
        ...

    def finish(self) -> None:
        """Write what is still held."""
        ...


class _Copier(_Writer):
    """Passes packets on as they are."""

    def __init__(self, output: OutputContainer, stream: AudioStream) -> None:
        self.refused = 0
        self._output = output
        self._stream = output.add_stream_from_template(stream)
        self._last_dts = -math.inf

    def write(self, piece: _Piece, end_s: float) -> None:
        packet = piece.packet
        if (piece.start_s + piece.end_s) / 2 > end_s or packet.dts is None:
            return
        if packet.dts <= self._last_dts:
            self.refused += 1
            return
        self._last_dts = packet.dts
        packet.stream = self._stream
        self._output.mux(packet)

    def fill(self, time_s: float) -> None:
        pass

    def finish(self) -> None:
        pass


class _Encoder(_Writer):
    """Encodes sound without gaps from the first picture on: silence fills what is missing."""

    def __init__(self, output: OutputContainer, source: AudioStream, how: SoundFormat) -> None:
        self.refused = 0
        self._output = output
        heard = source.codec_context
        rates = av.Codec(how.codec, "w").audio_rates or ()
        self._rate = heard.sample_rate if heard.sample_rate in rates else _USUAL_RATE
        self._channels = heard.channels if heard.channels in _LAYOUTS else 2
        self._layout = _LAYOUTS[self._channels]
        self._resampler = AudioResampler("fltp", self._layout, self._rate)
        self._stream = cast(AudioStream, output.add_stream(how.codec, rate=self._rate))
        encoder = self._stream.codec_context
        encoder.layout = self._layout
        encoder.bit_rate = _BIT_RATE * self._channels
        self._written = 0

    def write(self, piece: _Piece, end_s: float) -> None:
        for frame in piece.frames:
            for part in self._resampler.resample(frame):
                samples = np.asarray(part.to_ndarray(), np.float32)
                time_s = piece.start_s if part.time is None else part.time
                self._place(samples, round(time_s * self._rate), end_s * self._rate)

    def fill(self, time_s: float) -> None:
        for start in range(self._written, round(time_s * self._rate) - self._slack, _BLOCK):
            block = min(_BLOCK, round(time_s * self._rate) - start)
            self._encode(np.zeros((self._channels, block), np.float32))

    def finish(self) -> None:
        self._output.mux(self._stream.encode(None))

    @property
    def _slack(self) -> int:
        return round(_JITTER_S * self._rate)

    def _place(self, samples: Samples, place: int, end: float) -> None:
        """Encode samples that belong at `place`, but none before 0 and none from `end` on."""
        self.fill(place / self._rate)
        if self._written - place > self._slack:
            samples = samples[:, self._written - place :]
        left = max(0.0, end - self._written)
        self._encode(samples if left >= samples.shape[1] else samples[:, : round(left)])

    def _encode(self, samples: Samples) -> None:
        if samples.shape[1] == 0:
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._layout)
        frame.sample_rate = self._rate
        frame.pts = self._written
        frame.time_base = Fraction(1, self._rate)
        self._written += samples.shape[1]
        self._output.mux(self._stream.encode(frame))


def _is_copied(stream: AudioStream, how: SoundFormat) -> bool:
    name = stream.codec.canonical_name
    # AAC from a broadcast keeps in every packet what files want told once, at their start.
    told = name != "aac" or bool(stream.codec_context.extradata)
    return name in how.copied and told
