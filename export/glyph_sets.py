"""Recipes of the glyph tile sets: digits, silhouettes of animals, clothes.

python -m export.train digits
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from export import manifold
from export.card import Sidecar, current_commit
from export.clusters import families
from export.data import TileImages, load_photos, load_tiles, sample_patches
from export.glyph_training import (
    Glyphs,
    InkTraining,
    RegressorTraining,
    Settings,
    ShapeTraining,
    distance_fields,
)
from export.glyphs import HIDDEN, GlyphDecoder, GlyphEncoder, GlyphRegressor, Levels
from export.options import Options
from export.reader import Readers, ReaderTraining
from export.to_onnx import export_tile_set
from export.training import Run, Stateful, loss_table, start_chance
from realtime.errors import UserError

PATCH = 4  # pixels along one side of the regressor's input
SHADE = (0.5, 0.12)  # of shapes that are known by their outlines: more than thin strokes bear
PATCHES = 200_000
TONE_RANGE = (0.05, 0.95)  # beyond, ink and paper are too alike to read
NEAR = 3.0  # pixels from the edge, beyond which distances say nothing about looks


@dataclass(frozen=True)
class Recipe:
    """What differs from one glyph set to the next; the defaults make `digits`.

    Attributes:
        data: name of the pictures, of `export.data`.
        settings: of the training.
        levels: how a tone becomes ink.
        styles: per kind; two can be drawn, and keep an atlas of all tiles small.
        threshold: what is brighter lies inside the shape, 0..255.
        families: of like pictures in each class, each of which becomes a kind; 0 takes the
            classes themselves as kinds. Needed where pictures of one class differ so much that
            what lies between them looks like none.
        members: pictures in a family.
        textured: the inside is not all alike.
        hidden: width of the decoder's last layer but one.
    """

    data: str
    settings: Settings
    levels: Levels
    styles: int = 2
    threshold: int = 127
    families: int = 0
    members: int = 16
    textured: bool = False
    hidden: int = HIDDEN


DIGITS = Recipe("mnist", Settings(), Levels())
ANIMALS = Recipe(
    "animals",
    Settings(steps=100, batch_per_kind=6, spread=0.1, legible=0),
    Levels(coverage=None, shade=SHADE),  # a giraffe as fat as its tile is light is none
    styles=1,
    threshold=60,  # the zebras are grey
    families=8,
    members=12,
    hidden=256,
)
FASHION = Recipe(
    "fashion",
    Settings(steps=100, batch_per_kind=6, spread=0.1, legible=0),
    Levels(coverage=None, shade=SHADE),
    styles=1,
    threshold=24,
    families=8,
    textured=True,
    hidden=256,
)


@dataclass
class Networks:
    """The networks of a glyph set, and those that only help to train it."""

    encoder: GlyphEncoder
    decoder: GlyphDecoder
    regressor: GlyphRegressor
    readers: Readers | None

    @classmethod
    def fresh(cls, kinds: int, size: int, recipe: Recipe) -> Networks:
        """Untrained networks for `kinds` kinds of glyphs `size` pixels wide."""
        styles, levels = recipe.styles, recipe.levels
        return cls(
            GlyphEncoder(kinds, styles, size, recipe.textured),
            GlyphDecoder(
                kinds, styles, size, levels, hidden=recipe.hidden, textured=recipe.textured
            ),
            GlyphRegressor(kinds, styles, PATCH, TONE_RANGE, levels),
            Readers(kinds) if recipe.settings.legible else None,
        )


def train_digits(options: Options) -> None:
    """Train, check and export `digits`; raises what `train` does."""
    train(DIGITS, load_tiles(DIGITS.data, options.data), options)


def train_animals(options: Options) -> None:
    """Train, check and export `animals`; raises what `train` does."""
    train(ANIMALS, load_tiles(ANIMALS.data, options.data), options)


def train_fashion(options: Options) -> None:
    """Train, check and export `fashion`; raises what `train` does."""
    train(FASHION, load_tiles(FASHION.data, options.data), options)


def train(recipe: Recipe, tiles: TileImages, options: Options) -> None:
    """Train, check and export a glyph set from pictures sorted into classes.

    Raises:
        UserError: no data, pictures that are not grey squares with labels, or nothing to resume.
        ExportRefusedError: the exported graphs differ from the networks.
    """
    if tiles.images.ndim != 3 or tiles.labels is None:
        raise UserError(f"{options.out.name} learns grey pictures sorted into classes")
    patches = sample_patches(load_photos(options.photos), PATCHES, cell=PATCH, seed=options.seed)
    start_chance(options.seed, options.threads)
    settings = replace(recipe.settings, epochs=options.epochs)
    glyphs, classes = find_glyphs(recipe, tiles.images, tiles.labels, tiles.classes)
    networks = Networks.fresh(int(glyphs.kinds.max()) + 1, tiles.images.shape[1], recipe)
    runs: dict[str, Run] = {}
    readers = networks.readers
    if readers is not None:
        pictures = torch.from_numpy(tiles.images).float() / 255
        epochs = settings.reader_epochs
        reading = ReaderTraining(readers, pictures, glyphs.fields, glyphs.kinds, epochs)
        runs["readers"] = _stage("readers", reading, networks, epochs, options)
    shapes = ShapeTraining(networks.encoder, networks.decoder, glyphs, settings, readers)
    runs["shapes"] = _stage("shapes", shapes, networks, settings.epochs, options)
    if recipe.levels.coverage is not None:
        ink = InkTraining(networks.decoder, settings)
        runs["ink"] = _stage("ink", ink, networks, settings.ink_epochs, options)
    fit = RegressorTraining(
        networks.regressor, networks.decoder, torch.from_numpy(patches), settings
    )
    runs["regressor"] = _stage("regressor", fit, networks, settings.regressor_epochs, options)
    networks.regressor.learn_flat_scores()
    sidecar = describe(networks.decoder, replace(tiles, classes=classes), runs, options)
    export_tile_set(options.out, networks.decoder, networks.regressor, sidecar, notes(runs))
    manifold.write(options.out)


def find_glyphs(
    recipe: Recipe,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    classes: Sequence[str],
) -> tuple[Glyphs, tuple[str, ...]]:
    """Turn pictures [N, t, t] into what a recipe learns from, and name its kinds."""
    if recipe.textured:
        images = brightened(images)
    fields = torch.from_numpy(distance_fields(images, recipe.threshold))
    textures = torch.from_numpy(images).float() / 255 if recipe.textured else None
    kinds = torch.from_numpy(labels)
    if not recipe.families:
        return Glyphs(fields, kinds, textures), tuple(classes)
    looks = [functional.avg_pool2d(fields.clamp(-NEAR, NEAR), 2).flatten(1)]
    if textures is not None:
        looks.append(NEAR * functional.avg_pool2d(textures, 2).flatten(1))
    chosen, parents = [], []
    for kind in range(int(kinds.max()) + 1):
        inside = torch.where(kinds == kind)[0]
        found = families(torch.cat(looks, 1)[inside], recipe.families, recipe.members)
        chosen += [inside[members] for members in found]
        parents += [kind] * len(found)
    finer = torch.arange(len(chosen)).repeat_interleave(torch.tensor([len(c) for c in chosen]))
    picked = torch.cat(chosen)
    names = tuple(classes[parent] for parent in parents) if classes else ()
    return Glyphs(fields[picked], finer, None if textures is None else textures[picked]), names


def brightened(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Stretch each picture [N, t, t] so that its lightest twentieth is white: dark clothes show."""
    light = np.percentile(images, 95, axis=(1, 2), keepdims=True).clip(16)
    return np.asarray(np.clip(images * (255 / light), 0, 255), np.uint8)


def _stage(
    name: str,
    training: ReaderTraining | ShapeTraining | InkTraining | RegressorTraining,
    networks: Networks,
    epochs: int,
    options: Options,
) -> Run:
    """Train one stage to its end, or take it up where its checkpoint left it."""
    parts: dict[str, Stateful] = {k: part for k, part in vars(networks).items() if part}
    parts |= {"optimiser": training.optimiser, "schedule": training.schedule}
    settings: dict[str, str | int | float] = {
        "set": options.out.name,
        "seed": options.seed,
        "epochs": epochs,
    }
    run = Run(options.work / f"{name}.pt", parts, settings)
    if options.resume and run.checkpoint.is_file():
        run.resume()
    print(f"{name}: {epochs} epochs", flush=True)
    run.train(epochs, training.one_epoch)
    return run


def describe(
    decoder: GlyphDecoder, tiles: TileImages, runs: dict[str, Run], options: Options
) -> Sidecar:
    """Return the sidecar of a trained glyph set."""
    return Sidecar(
        name=options.out.name,
        title=tiles.title,
        tile_size=decoder.size,
        channels=1,
        patch_size=PATCH,
        patch_channels=1,
        shape_latents=1 + decoder.styles,
        shading=decoder.levels.shade,
        tone=True,
        tone_range=TONE_RANGE,
        classes=tiles.classes,
        licence=tiles.licence,
        source=tiles.source,
        command=options.command,
        seed=options.seed,
        commit=current_commit(),
        epochs=len(runs["shapes"].losses),
        duration_s=round(sum(run.seconds for run in runs.values()), 1),
        kinds=decoder.kinds,
    )


def notes(runs: dict[str, Run]) -> str:
    """Return the part of the card that is particular to glyph sets."""
    tables = [f"### {name.capitalize()}\n\n{loss_table(run.losses)}" for name, run in runs.items()]
    return (
        "Latents: kind, styles, two slopes, tone, polarity. The decoder draws a distance field, "
        "inks it, sets the levels of ink and paper so that the mean of a tile is exactly its "
        "tone, and shades it along the slopes.\n\n"
        "## Losses\n\n" + "\n\n".join(tables)
    )
