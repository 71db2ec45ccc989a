"""Recipes of the picture tile sets: emoji, flags, and any folder of a user's own pictures.

python -m export.train emoji
python -m export.train my-pictures/ --out models/mine
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from export import cutouts, manifold
from export.card import Sidecar, current_commit
from export.data import FEWEST_PICTURES, TileImages, load_folder, load_photos, load_tiles
from export.options import Options
from export.patches import sample_patches
from export.picture_networks import AFAR, PictureDecoder, PictureRegressor
from export.picture_training import FitTraining, sort_pictures, thumbnails
from export.to_onnx import export_tile_set
from export.training import Run, loss_table, start_chance
from realtime.arrays import Frame

PATCHES = 100_000
TONE_RANGE = (0.06, 0.94)  # of each channel; beyond, pictures are bleached or dimmed to nothing
KINDS = 128  # at most; more cost time in every frame and hardly fit better
MEMBERS = 12  # of a kind, at most
SIDE = 28  # pixels along one side of a picture in the decoder
FOLDER_SIDE = 48  # pixels to which a user's pictures are shrunk before their ground is looked for
COVERED = (0.3, 0.92)  # share of its tile that a cut-out may cover: paper must show, and so must it


@dataclass(frozen=True)
class Recipe:
    """What differs from one picture set to the next.

    Attributes:
        cut: take things out of their plain ground, if the pictures have one in common.
        side: pixels along one side of a picture in the decoder.
        reach: how far paper may be from the colour wanted of the tile; see `solve_levels`.
        left_out: names of pictures that show nothing.
        named: kinds are called by one of their pictures; the names of a user's files are private.
        credit: Markdown for the card.
    """

    cut: bool = True
    side: int = SIDE
    reach: float = 1.0
    left_out: tuple[str, ...] = ()
    named: bool = True
    credit: str = ""


EMOJI = Recipe(
    left_out=tuple(f"skin-tone-{number}" for number in range(2, 7)),
    credit=(
        "Emoji: [Twemoji](https://github.com/twitter/twemoji), copyright Twitter, Inc and other "
        "contributors, [CC-BY 4.0](https://creativecommons.org/licenses/by/4.0/); shrunk, and "
        "recoloured in mosaics."
    ),
)
FLAGS = Recipe(cut=False, side=36, reach=0.15, left_out=("_generic", "_olympic", "brl", "zz"))
FOLDER = Recipe(named=False)


def train_emoji(options: Options) -> None:
    """Train, check and export `emoji`; raises what `train` does."""
    train(EMOJI, load_tiles("emoji", options.data), options)


def train_flags(options: Options) -> None:
    """Train, check and export `flags`; raises what `train` does."""
    train(FLAGS, load_tiles("flags", options.data), options)


def train_folder(options: Options) -> None:
    """Train, check and export a tile set of a user's own pictures, those below `options.data`.

    Raises:
        UserError: too few pictures, or nothing to resume.
        ExportRefusedError: the exported graphs differ from the networks.
    """
    assert options.data is not None
    train(FOLDER, load_folder(options.data, FOLDER_SIDE, colour=True), options)


@dataclass
class Networks:
    """The two networks of a picture set, and what the regressor is trained against.

    Attributes:
        thumbs: [M, C, 4, 4] the decoder's pictures from afar.
        names: of the kinds; empty if they have none.
    """

    decoder: PictureDecoder
    regressor: PictureRegressor
    thumbs: torch.Tensor
    names: tuple[str, ...]


def train(recipe: Recipe, tiles: TileImages, options: Options) -> None:
    """Train, check and export a picture set.

    Raises:
        UserError: nothing to resume.
        ExportRefusedError: the exported graphs differ from the networks.
    """
    photos = load_photos(options.photos)
    cut = sample_patches(photos, PATCHES, cell=AFAR, seed=options.seed, colour=True)
    patches = torch.from_numpy(cut)
    start_chance(options.seed, options.threads)
    networks = sort(recipe, without(tiles, recipe.left_out), patches)
    decoder, regressor = networks.decoder, networks.regressor
    fit = FitTraining(regressor, decoder, networks.thumbs, patches, options.epochs)
    run = Run(
        options.work / "regressor.pt",
        {"regressor": regressor, "optimiser": fit.optimiser, "schedule": fit.schedule},
        {"set": options.out.name, "seed": options.seed, "pictures": len(networks.thumbs)},
    )
    if options.resume:
        run.resume()
    run.train(options.epochs, fit.one_epoch)
    sidecar = describe(networks, tiles, run, options)
    export_tile_set(options.out, decoder, regressor, sidecar, notes(recipe, decoder, run))
    manifold.write(options.out, lambda at: decoder.natural(torch.from_numpy(at)).numpy())


def sort(recipe: Recipe, tiles: TileImages, patches: torch.Tensor) -> Networks:
    """Sort pictures into kinds: a finished decoder and an untrained regressor."""
    book, chosen = make_book(recipe, tiles.images)
    thumbs = thumbnails(book)
    print(f"sorting {len(book)} pictures", flush=True)
    shelves = sort_pictures(thumbs, patches, KINDS, MEMBERS)
    kept, places = torch.unique(shelves.places, return_inverse=True)
    decoder = PictureDecoder(book[kept], places, recipe.reach)
    regressor = PictureRegressor(decoder.kinds, shelves.direction, TONE_RANGE)
    middle = chosen[shelves.places[:, shelves.places.shape[1] // 2].numpy()]
    named = recipe.named and tiles.names
    names = tuple(tiles.names[number] for number in middle) if named else ()
    return Networks(decoder, regressor, thumbs[kept], names)


def without(tiles: TileImages, names: Sequence[str]) -> TileImages:
    """Leave pictures out by their names."""
    if not names:
        return tiles
    kept = [number for number, name in enumerate(tiles.names) if name not in names]
    return replace(tiles, images=tiles.images[kept], names=tuple(tiles.names[n] for n in kept))


def make_book(
    recipe: Recipe, images: npt.NDArray[np.uint8]
) -> tuple[torch.Tensor, npt.NDArray[np.int64]]:
    """Shrink pictures to what the decoder holds.

    Args:
        recipe: says how.
        images: [N, H, W, 3] uint8 BGR.

    Returns:
        [M, C, t, t] uint8, see `PictureDecoder`, and which pictures these are, [M].
    """
    ground = cutouts.common_ground(images) if recipe.cut else None
    shrinking = tqdm(images, desc="shrinking", unit="picture", leave=False, disable=None)
    book = np.stack([page(image, ground, recipe.side) for image in shrinking])
    chosen = np.arange(len(book))
    paper = ground is not None or images.shape[1] != images.shape[2]
    if ground is not None:
        covered = book[:, 3].mean(axis=(1, 2)) / 255
        fit = (covered >= COVERED[0]) & (covered <= COVERED[1])
        chosen = chosen[fit] if fit.sum() >= FEWEST_PICTURES else chosen
    return torch.from_numpy(book[chosen] if paper else book[:, :3]), chosen


def page(image: Frame, ground: cutouts.Colour | None, side: int) -> npt.NDArray[np.uint8]:
    """One picture, and what it covers of its square, [4, side, side] uint8.

    Args:
        image: [H, W, 3] uint8 BGR.
        ground: what to take away; None takes nothing.
        side: pixels along one side of the square; the longer side of the picture fills it.
    """
    cover = np.ones(image.shape[:2], np.float32)
    if ground is not None:
        cover = cutouts.cover(image, ground)
    lit = np.dstack([image * cover[..., None], 255 * cover]).astype(np.float32)
    scale = side / max(image.shape[:2])
    height, width = (round(length * scale) for length in image.shape[:2])
    small = cv2.resize(lit, (width, height), interpolation=cv2.INTER_AREA)
    whole = np.zeros((side, side, 4), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    whole[top : top + height, left : left + width] = small
    levels = np.rint(whole).clip(0, 255)
    # Rounded, no channel may be lighter than its cover: it would shine through white paper.
    levels[..., :3] = np.minimum(levels[..., :3], levels[..., 3:])
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(2, 0, 1))


def describe(networks: Networks, tiles: TileImages, run: Run, options: Options) -> Sidecar:
    """Return the sidecar of a trained picture set."""
    decoder = networks.decoder
    return Sidecar(
        name=options.out.name,
        title=tiles.title,
        tile_size=decoder.size,
        channels=3,
        patch_size=AFAR,
        patch_channels=3,
        shape_latents=2,
        tone=False,
        tone_range=TONE_RANGE,
        classes=networks.names,
        licence=tiles.licence,
        source=tiles.source,
        command=options.command,
        seed=options.seed,
        commit=current_commit(),
        epochs=len(run.losses),
        duration_s=round(run.seconds, 1),
        kinds=decoder.kinds,
        colour=True,
    )


def notes(recipe: Recipe, decoder: PictureDecoder, run: Run) -> str:
    """Return the part of the card that is particular to picture sets."""
    held = f"{len(decoder.book)} pictures in {decoder.kinds} kinds"
    return (
        f"Latents: kind, member of the kind, mean blue, green and red. The decoder holds {held}. "
        "It solves the colour of the paper, then a gain and an offset for each channel, so that "
        "the mean colour of a tile is exactly the wanted one.\n\n"
        f"{recipe.credit}\n\n## Loss\n\n{loss_table(run.losses)}"
    )
