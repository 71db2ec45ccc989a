"""Train a tile set and export it, in one command.

    python -m export.train mnist-2d                       fetches the pictures
    python -m export.train mnist-2d --data PATH           no connection needed
    python -m export.train mnist-2d --resume              goes on after the last finished epoch
    python -m export.train mnist-2d --distil              only teaches its small networks anew
    python -m export.train my-pictures/ --out models/mine    50 to 50,000 pictures of your own

The result is a folder, models/NAME, that `python -m realtime --tiles NAME` plays.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from export import glyph_sets, picture_sets, seed
from export.options import Options
from realtime.errors import AutomosaicError, UserError

MODELS = Path("models")
WORK = Path("runs")  # checkpoints; not kept under version control


@dataclass(frozen=True)
class Recipe:
    """How one tile set is made.

    Attributes:
        train: trains, checks and exports.
        epochs: unless the command line says otherwise.
        title: one line for --help.
    """

    train: Callable[[Options], None]
    epochs: int
    title: str


RECIPES = {
    "digits": Recipe(glyph_sets.train_digits, 40, "handwritten digits, legible at every tone"),
    "animals": Recipe(glyph_sets.train_animals, 30, "silhouettes of animals"),
    "fashion": Recipe(glyph_sets.train_fashion, 30, "clothes, shoes and bags"),
    "emoji": Recipe(picture_sets.train_emoji, 16, "emoji, in colour"),
    "flags": Recipe(picture_sets.train_flags, 16, "flags of countries and regions, in colour"),
    seed.NAME: Recipe(seed.train, seed.EPOCHS, "the method of 2021: a 2-D autoencoder of MNIST"),
}
"""Tile sets by the name they are asked for."""

FOLDER = Recipe(picture_sets.train_folder, 16, "the pictures of a folder, in colour")


def parse(arguments: Sequence[str] | None = None) -> tuple[Recipe, Options]:
    """Read the command line.

    Raises:
        UserError: no such tile set, or an impossible number.
    """
    asked = _parser().parse_args(arguments)
    recipe = _find(asked.set)
    own = recipe is FOLDER
    epochs = recipe.epochs if asked.epochs is None else asked.epochs
    if epochs < 1:
        raise UserError(f"--epochs {epochs}: at least 1")
    if asked.threads is not None and asked.threads < 1:
        raise UserError(f"--threads {asked.threads}: at least 1")
    if asked.distil and recipe is not RECIPES[seed.NAME]:
        raise UserError(f"--distil: only {seed.NAME} is taught by larger networks")
    out = asked.out or MODELS / (Path(asked.set).resolve().name if own else asked.set)
    # Without paths: they are nobody else's, and the card is public.
    name = "FOLDER" if own else asked.set
    trained = "--distil" if asked.distil else f"--epochs {epochs}"
    options = Options(
        data=Path(asked.set) if own else asked.data,
        photos=asked.photos,
        out=out,
        work=WORK / out.name,
        epochs=epochs,
        seed=asked.seed,
        resume=asked.resume,
        threads=asked.threads,
        command=f"python -m export.train {name} {trained} --seed {asked.seed}",
        distil=asked.distil,
    )
    return recipe, options


def _find(name: str) -> Recipe:
    if name in RECIPES:
        return RECIPES[name]
    if Path(name).is_dir():
        return FOLDER
    names = ", ".join(RECIPES)
    raise UserError(f"no recipe for '{name}': choose from {names}, or a folder of pictures")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the command line asks for and return the exit status."""
    try:
        recipe, options = parse(arguments)
        recipe.train(options)
    except AutomosaicError as error:
        print(f"automosaic: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("automosaic: stopped; --resume goes on after the last epoch", file=sys.stderr)
        return 130
    print(f"exported to {options.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    sets = "".join(f"\n  {name:12} {recipe.title}" for name, recipe in RECIPES.items())
    parser = argparse.ArgumentParser(
        prog="python -m export.train",
        description=f"{__doc__}\nSET is one of:{sets}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("set", metavar="SET", help="which tile set, or a folder of pictures")
    add("--data", type=Path, metavar="PATH", help=".npz file or folder; fetched without it")
    add("--photos", type=Path, metavar="FOLDER", help="photographs to cut patches from")
    add("--out", type=Path, metavar="FOLDER", help="result (models/SET)")
    add("--epochs", type=int, metavar="N", help="passes over the pictures (the recipe's own)")
    add("--seed", type=int, default=0, metavar="N", help="of all random generators (0)")
    add("--resume", action="store_true", help="go on from the checkpoint in runs/")
    add("--distil", action="store_true", help="only teach small networks anew, from OUT/teacher")
    add("--threads", type=int, metavar="N", help="CPU threads (one a core)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
