"""Write the kilobyte tile sets that the tests use; their answers can be worked out by hand.

    python tests/models/make.py          (needs the package `onnx`)

plain   one latent: the mean of the cell. A tile is flat and has that tone, so the mosaic of a
        picture is the picture in squares.
stripes two kinds, one style, tone and polarity. Scores are 0, so taste alone chooses the kind. A
        tile has its tone, plus 0.04 on its left (kind 0) or upper half (kind 1) and minus 0.04 on
        the other; the style does nothing.
slopes  one latent that does nothing, two slopes, tone and polarity. A tile is the plane that is
        nearest to its cell, as far as `SHADING` lets it; polarity does nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import onnx.parser

HERE = Path(__file__).parent
HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n'

PLAIN_REGRESSOR = """
plain_regressor (float[N, 1, 2, 2] patches) => (float[N, 1] latents) {
    latents = ReduceMean <axes = [2, 3], keepdims = 0> (patches)
}
"""

PLAIN_DECODER = """
plain_decoder (float[N, 1] latents, float[T] pixels) => (float[N, T, T] tiles)
<int64[1] last = {2}, float zero = {0}> {
    nothing = Mul (pixels, zero)
    row = Unsqueeze (latents, last)
    rows = Add (row, nothing)
    square = Transpose <perm = [0, 2, 1]> (rows)
    tiles = Add (square, nothing)
}
"""

STRIPES_REGRESSOR = """
stripes_regressor (float[N, 1, 4, 4] patches, float[N, 2] taste, float[1] forgiveness,
                   float[N] polarity) => (float[N, 4] latents)
<int64[1] one = {1}, float half = {0.5}, float nought = {0}> {
    mean4 = ReduceMean <axes = [1, 2, 3], keepdims = 1> (patches)
    mean = Flatten <axis = 1> (mean4)
    forgiven = Mul (forgiveness, nought)
    bonus = Sub (taste, forgiven)
    chosen = ArgMax <axis = 1, keepdims = 1> (bonus)
    index = Cast <to = 1> (chosen)
    shifted = Add (index, half)
    kind = Mul (shifted, half)
    nothing = Sub (mean, mean)
    style = Add (nothing, half)
    shift = Unsqueeze (polarity, one)
    compared = Add (mean, shift)
    dark = Greater (compared, half)
    inked = Cast <to = 1> (dark)
    latents = Concat <axis = 1> (kind, style, mean, inked)
}
"""

STRIPES_DECODER = """
stripes_decoder (float[N, 4] latents, float[T] pixels) => (float[N, T, T] tiles)
<int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3},
 int64[2] ends = {1, 2}, float half = {0.5}, float step = {0.08}, float low = {0},
 float high = {1}> {
    kind2 = Slice (latents, zero, one, one)
    kind = Unsqueeze (kind2, two)
    tone2 = Slice (latents, two, three, one)
    tone = Unsqueeze (tone2, two)
    first = Less (pixels, half)
    bright = Cast <to = 1> (first)
    centred = Sub (bright, half)
    wave = Mul (centred, step)
    across = Unsqueeze (wave, zero)
    down = Unsqueeze (wave, one)
    blank = Sub (down, down)
    left = Add (across, blank)
    flat = Sub (across, across)
    upper = Add (down, flat)
    second = Greater (kind, half)
    pattern = Where (second, upper, left)
    toned = Add (tone, pattern)
    tiles = Clip (toned, low, high)
}
"""

SHADING = [0.5, 0.12]

# The slope of four pixels by least squares is their sum weighted by w / sum(w^2), where w is how
# far they are from the middle. A latent is slope / (4 * 0.12) + 0.5.
SLOPES_REGRESSOR = """
slopes_regressor (float[N, 1, 4, 4] patches) => (float[N, 5] latents)
<float[4, 1] weights = {-1.2, -0.4, 0.4, 1.2}, float unit = {0.48}, float half = {0.5},
 float zero = {0}, float tiny = {0.000001}, float most = {0.12}> {
    mean4 = ReduceMean <axes = [1, 2, 3], keepdims = 1> (patches)
    tone = Flatten <axis = 1> (mean4)
    lines4 = ReduceMean <axes = [2], keepdims = 0> (patches)
    lines = Flatten <axis = 1> (lines4)
    columns4 = ReduceMean <axes = [3], keepdims = 0> (patches)
    columns = Flatten <axis = 1> (columns4)
    across = MatMul (lines, weights)
    down = MatMul (columns, weights)
    steep_across = Abs (across)
    steep_down = Abs (down)
    steep = Add (steep_across, steep_down)
    wanted = Mul (steep, half)
    dark = Greater (tone, half)
    inked = Cast <to = 1> (dark)
    inverse = Sub (inked, tone)
    light = Abs (inverse)
    part = Mul (light, half)
    room = Clip (part, zero, most)
    reach = Min (wanted, room)
    least = Max (wanted, tiny)
    share = Div (reach, least)
    some_across = Mul (across, share)
    some_down = Mul (down, share)
    unit_across = Div (some_across, unit)
    unit_down = Div (some_down, unit)
    right = Add (unit_across, half)
    under = Add (unit_down, half)
    nothing = Sub (tone, tone)
    shape = Add (nothing, half)
    latents = Concat <axis = 1> (shape, right, under, tone, inked)
}
"""

SLOPES_DECODER = """
slopes_decoder (float[N, 5] latents, float[T] pixels) => (float[N, T, T] tiles)
<int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3}, int64[1] four = {4},
 float half = {0.5}, float unit = {0.48}, float low = {0}, float high = {1}> {
    away = Sub (pixels, half)
    right2 = Slice (latents, one, two, one)
    under2 = Slice (latents, two, three, one)
    tone2 = Slice (latents, three, four, one)
    right1 = Sub (right2, half)
    under1 = Sub (under2, half)
    right0 = Mul (right1, unit)
    under0 = Mul (under1, unit)
    across2 = Mul (right0, away)
    down2 = Mul (under0, away)
    across = Unsqueeze (across2, one)
    down = Unsqueeze (down2, two)
    plane = Add (across, down)
    tone = Unsqueeze (tone2, two)
    toned = Add (tone, plane)
    tiles = Clip (toned, low, high)
}
"""

SIDECARS: dict[str, dict[str, object]] = {
    "plain": {"patch_size": 2, "kinds": 0, "shape_latents": 1, "tone": False},
    "stripes": {"patch_size": 4, "kinds": 2, "shape_latents": 2, "tone": True},
    "slopes": {"patch_size": 4, "kinds": 0, "shape_latents": 1, "tone": True, "shading": SHADING},
}
GRAPHS = {
    "plain": (PLAIN_DECODER, PLAIN_REGRESSOR),
    "stripes": (STRIPES_DECODER, STRIPES_REGRESSOR),
    "slopes": (SLOPES_DECODER, SLOPES_REGRESSOR),
}


def main() -> None:
    """Write the tile sets beside this file."""
    for name, (decoder, regressor) in GRAPHS.items():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        for file, text in (("decoder", decoder), ("regressor", regressor)):
            model = onnx.parser.parse_model(HEAD + text)
            onnx.checker.check_model(model, full_check=True)
            onnx.save(model, folder / f"{file}.onnx")
        sidecar = {
            "format": 1,
            "name": name,
            "title": f"{name}, for tests",
            "tile_size": 8,
            "channels": 1,
            "patch_channels": 1,
            "tone_range": [0.05, 0.95] if SIDECARS[name]["tone"] else [0.0, 1.0],
            "classes": [],
            **SIDECARS[name],
        }
        (folder / "tileset.json").write_text(json.dumps(sidecar, indent=2) + "\n")


if __name__ == "__main__":
    main()
