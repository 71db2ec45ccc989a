"""Cut things out of their plain background, so that they can be laid on paper of any colour."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Frame

TOLERANCE = 10  # levels by which a plain ground may vary, as JPEG files do
PLAIN_SHARE = 0.6  # of the border that must be alike; things may reach it
MOST_PLAIN = 0.7  # of the pictures that must stand on one ground for all to be cut out

Colour = npt.NDArray[np.float64]
Cover = npt.NDArray[np.float32]


def common_ground(images: npt.NDArray[np.uint8]) -> Colour | None:
    """Find the plain colour that most pictures have along their border.

    Args:
        images: [N, H, W, 3] uint8 BGR.

    Returns:
        [3] BGR, or None if there is none.
    """
    borders = np.concatenate(
        [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1
    )
    ground = np.median(np.median(borders, axis=1), axis=0)
    plain = _alike(borders, ground).mean(axis=1) >= PLAIN_SHARE
    return np.asarray(ground, np.float64) if plain.mean() >= MOST_PLAIN else None


def cover(image: Frame, ground: Colour) -> Cover:
    """Where the thing is: 1 inside, 0 on the ground.

    The ground is what has its colour and hangs together with the border; eyes that are as white
    as the ground stay.

    Args:
        image: [H, W, 3] uint8 BGR.
        ground: [3] BGR.

    Returns:
        [H, W] float32.
    """
    # A rim of ground around the picture joins the parts that the thing cuts off from each other.
    alike = np.pad(_alike(image, ground), 1, constant_values=1)
    _, parts = cv2.connectedComponents(alike, connectivity=4)
    inside = (parts != parts[0, 0])[1:-1, 1:-1].astype(np.uint8)
    # The pixels along the edge are half ground.
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return np.asarray(cv2.erode(inside, cross, borderValue=1), np.float32)


def _alike(pixels: npt.NDArray[np.uint8], colour: Colour) -> Frame:
    distance = np.abs(pixels.astype(np.int16) - colour).max(axis=-1)
    return np.asarray(distance <= TOLERANCE, np.uint8)
