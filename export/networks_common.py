"""Network parts that every tile set shares."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def pixel_centres(size: int) -> Tensor:
    """Return where the pixel centres of a tile `size` pixels wide lie, [size] float32 in 0..1."""
    return (torch.arange(size, dtype=torch.float32) + 0.5) / size


class Resample(nn.Module):
    """A decoder of tiles of one size, turned into a decoder of tiles of any size.

    The wanted size comes as the positions of its pixel centres, so that one exported graph serves
    every size: tile_T = A tile_t A^T, where A [T, t] is a triangle (antialiased linear) filter
    built inside the graph. Borders mirror, which keeps the mean tone of a tile.
    """

    def __init__(self, decoder: nn.Module, native_size: int) -> None:
        """Wrap a decoder.

        Args:
            decoder: latents [N, D] -> tiles [N, t, t] or [N, t, t, 3], float32 0..1.
            native_size: t, in pixels.
        """
        super().__init__()
        self.decoder = decoder
        self.native_size = native_size

    def forward(self, latents: Tensor, pixels: Tensor) -> Tensor:
        """Decode tiles at the asked size.

        Args:
            latents: [N, D] float32 in 0..1.
            pixels: [T] float32, `pixel_centres(T)`.

        Returns:
            [N, T, T] or [N, T, T, 3] float32 0..1.
        """
        tiles = self.decoder(latents)
        weights = triangle_weights(pixels, self.native_size)
        if tiles.dim() == 4:
            planes = tiles.permute(0, 3, 1, 2)
            resized = resample(planes, weights).permute(0, 2, 3, 1)
        else:
            resized = resample(tiles, weights)
        # The weights of a row add up to one only within rounding.
        return resized.clamp(0.0, 1.0)


def resample(planes: Tensor, weights: Tensor) -> Tensor:
    """Resize planes [..., t, t] to [..., T, T] by `triangle_weights` [T, t]."""
    return torch.matmul(torch.matmul(weights, planes), weights.t())


def triangle_weights(pixels: Tensor, native_size: int) -> Tensor:
    """Return the weights that resample a line of `native_size` pixels to `pixels`.

    Args:
        pixels: [T] float32 positions in 0..1.
        native_size: t, pixels of the line that is resampled.

    Returns:
        [T, t] float32, at least 0, every row adding up to 1.
    """
    # A traced graph must not hold the number T of the example, so T is counted from the tensor.
    size = torch.ones_like(pixels).sum()
    reach = (native_size / size).clamp(min=1.0) / native_size  # half the filter's base
    here = pixels.unsqueeze(1)
    centres = pixel_centres(native_size).to(pixels.device).unsqueeze(0)
    weights = torch.zeros_like(here)
    for mirrored in (centres, -centres, 2.0 - centres):
        weights = weights + (1.0 - (here - mirrored).abs() / reach).clamp(min=0.0)
    return weights / weights.sum(dim=1, keepdim=True)
