"""Pictures of every kind become 8-bit BGR frames."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.errors import UserError
from realtime.picture import Picture, read_picture
from tests.clips import corner_picture


class TestPicture:
    """Still pictures of every kind become 8-bit BGR."""

    def test_is_one_frame(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        cv2.imwrite(str(path), corner_picture())
        with Picture(path) as source:
            assert (source.info.frames, source.info.live, source.info.fps) == (1, False, 0)
            frame = source.read()
            assert frame is not None
            np.testing.assert_array_equal(frame.image, corner_picture())

    @pytest.mark.parametrize("ending", ["png", "tif"])
    @pytest.mark.parametrize("channels", [1, 3, 4])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_depths_and_channels(
        self, tmp_path: Path, ending: str, channels: int, dtype: type[np.uint8 | np.uint16]
    ) -> None:
        ramp = np.linspace(0, np.iinfo(dtype).max, 64).astype(dtype)
        image = np.tile(ramp[None, :, None], (48, 1, channels))
        if channels == 4:
            image[..., 3] = np.iinfo(dtype).max
        path = tmp_path / f"ramp.{ending}"
        cv2.imwrite(str(path), image)
        expected = np.tile(np.linspace(0, 255, 64)[None, :, None], (48, 1, 3))
        np.testing.assert_allclose(read_picture(path), expected, atol=1)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_lies_on_white_where_transparent(
        self, tmp_path: Path, dtype: type[np.uint8 | np.uint16]
    ) -> None:
        full = np.iinfo(dtype).max
        image = np.zeros((2, 3, 4), dtype)
        image[..., 2] = full  # red
        image[:, 1, 3], image[:, 2, 3] = full // 2, full
        path = tmp_path / "glass.png"
        cv2.imwrite(str(path), image)
        expected = [[255, 255, 255], [128, 128, 255], [0, 0, 255]]
        np.testing.assert_allclose(read_picture(path)[0], expected, atol=1)

    def test_obeys_the_orientation_tag(self, tmp_path: Path) -> None:
        jpeg = cv2.imencode(".jpg", corner_picture())[1].tobytes()
        entry = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)  # orientation: turn it clockwise
        tag = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
        path = tmp_path / "portrait.jpg"
        path.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(tag)) + tag + jpeg[2:])
        np.testing.assert_allclose(read_picture(path), np.rot90(corner_picture(), -1), atol=30)

    def test_half_a_picture_is_refused_or_shown(self, tmp_path: Path) -> None:
        path = tmp_path / "half.png"
        whole = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (48, 64, 3)))[1]
        path.write_bytes(whole.tobytes()[: len(whole) // 2])
        try:
            assert read_picture(path).shape == (48, 64, 3)
        except UserError as error:
            assert "cannot read" in str(error)
