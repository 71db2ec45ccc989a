"""Trials of the fuzz run: the program with something spoiled; each raises where that goes wrong."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import threading
from abc import ABC, abstractmethod
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from realtime import cli
from tests import hostile, mutations
from tests.programs import threads_end
from tests.tile_sets import PLAIN, STRIPES

SHORT = ("--no-window", "--no-settings", "--overwrite", "--frames", "20")
TILES = ("--tiles", str(PLAIN))
_NO_MODEL = onnx.checker.ValidationError
_LINES = 8
"""More than so many on stderr are no help to anybody."""


class FoundError(Exception):
    """Something that the program must not do."""


def run(arguments: list[str]) -> int:
    """Run the program, and look at the way it ends.

    Returns:
        The exit status.

    Raises:
        FoundError: it ends in no way that it should.
        AssertionError: it left a thread.
    """
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = cli.main(arguments)
    except SystemExit as end:
        # Help or the version was asked for.
        status = int(end.code or 0)
    lines = err.getvalue().splitlines()
    if status not in (0, 1, 2) or (status and not lines) or len(lines) > _LINES:
        raise FoundError(f"status {status}, said {lines[:3]} ... {len(lines)} lines")
    if not all(line.startswith("automosaic: ") and len(line) < 2000 for line in lines):
        raise FoundError(f"said {lines[:3]}")
    threads_end({threading.main_thread()})
    return status


class Trials(ABC):
    """One kind of trial.

    Args:
        folder: for files, empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def trial(self, chance: random.Random) -> int:
        """Do what chance decides, and return the exit status.

        Raises:
            Exception: that went wrong.
        """


class Pictures(Trials):
    """Spoiled pictures, under all names."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.good = mutations.pictures()

    def trial(self, chance: random.Random) -> int:
        name = chance.choice(sorted(self.good))
        ending = chance.choice((Path(name).suffix,) * 4 + mutations.PICTURES)
        path = self.folder / f"source{ending}"
        path.write_bytes(mutations.spoiled(self.good[name], chance, self.good))
        record = self.folder / chance.choice(("out.png", "out.jpg", "out.mp4", "out.gif"))
        columns = str(chance.choice((1, 4, 12)))
        asked = ["--source", str(path), "--record", str(record), "--columns", columns]
        return run([*asked, *TILES, *SHORT])


class Films(Trials):
    """Spoiled clips, with their sound, into every kind of recording."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.good = mutations.films(folder)

    def trial(self, chance: random.Random) -> int:
        name = chance.choice(sorted(self.good))
        ending = chance.choice((Path(name).suffix,) * 4 + mutations.CLIPS)
        path = self.folder / f"source{ending}"
        path.write_bytes(mutations.spoiled(self.good[name], chance, self.good))
        record = self.folder / chance.choice(("out.mp4", "out.mkv", "out.webm", "out%02d.png"))
        asked = ["--source", str(path), "--record", str(record), "--columns", "8"]
        limit = chance.choice(((), ("--seconds", "0.3"), ("--size", "64x36")))
        return run([*asked, *limit, *TILES, *SHORT])


_NUMBERS = (
    *("0", "-1", "1", "2", "7", "64", "1024", "1025", "99999999999999999999", "1e3", "0x10", "٣"),
    *("nan", "inf", "-inf", "1e309", "-0", "0.5", "1.0000001", "", " ", "½", "1_000"),
)
_TEXTS = (
    *("", " ", "mono", "tint", "duo", "duo:#ff0000-#00ff00", "duo:#", "duo:-", "digits", "plain"),
    *("/", ".", "..", "/dev/null", "/dev/zero", "/proc/self/mem", "x" * 5000, "ü 一 🎥", "\udcff"),
    *("nothing.mp4", "~", "%d", "%", "%%", "%99999d", "-", "--", "a\nb", "\x1b[2J", "cpu", "cuda"),
)
_SIZES = (
    *("1x1", "16x16", "17x33", "64x36", "8192x16", "16x8192", "8193x16", "0x0", "axb", "64X36"),
    *("64×36", "1e2x5", "٣٣x٣٣", "-64x36", "64x", "x36", "64 x 36"),
)
_ENDINGS = (
    *("out.mp4", "out.mkv", "out.webm", "out.gif", "out.webp", "out.png", "out.jpg", "out.MP4"),
    *(
        "out",
        "out.doc",
        ".mp4",
        "a b/out.mp4",
        "out%d.png",
        "out%3d.jpg",
        "out%%.png",
        "ü 一 🎥.png",
    ),
)
_SWITCHES = (
    *("--no-virtual-camera", "--mirror", "--no-mirror", "--explore", "--stats", "--no-stats"),
    *("--overwrite", "--version", "--help", "--sauce", "stray", "--", "-h"),
)
_BY_VALUES = {
    "--columns": _NUMBERS,
    "--tile-size": _NUMBERS,
    "--variety": _NUMBERS,
    "--stability": _NUMBERS,
    "--fps": _NUMBERS,
    "--seconds": _NUMBERS,
    "--frames": _NUMBERS,
    "--reconnect": _NUMBERS,
    "--size": _SIZES,
    "--colour": _TEXTS,
    "--tiles": _TEXTS,
    "--provider": _TEXTS,
    "--source": _TEXTS,
    "--virtual-camera": _TEXTS,
    "--record": _ENDINGS + _TEXTS,
}


class Wishes(Trials):
    """Absurd options, in absurd numbers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "photo.png").write_bytes(mutations.pictures()["0.png"])
        (folder / "clip.mp4").write_bytes(mutations.films(folder)["silent.mp4"])
        os.chdir(folder)

    def trial(self, chance: random.Random) -> int:
        asked = ["--source", chance.choice(("photo.png", "clip.mp4", "demo")), *SHORT[:2]]
        asked += ["--columns", str(chance.choice((1, 5, 20))), *chance.choice((TILES, ()))]
        for _ in range(chance.choice((1, 1, 2, 3, 6))):
            if chance.random() < 0.2:
                asked.append(chance.choice(_SWITCHES))
                continue
            option = chance.choice(sorted(_BY_VALUES))
            value = chance.choice(_BY_VALUES[option])
            asked += [f"{option}={value}"] if chance.random() < 0.5 else [option, value]
        # Last, so that a run has an end.
        return run([*asked, "--record", "sure.png", "--overwrite", "--frames", "2"])


class Preferences(Trials):
    """Spoiled settings files."""

    _GOOD = (
        'tiles = "digits"\ncolumns = 80\nmirror = true\nexplore = false\n',
        'colour = "tint"\nvariety = 0.5\nsize = "64x36"\nfps = 30\nreconnect = 1e3\n',
        "source = \"demo\"\nstability = 1\ntile-size = 8\n# a remark\nprovider = 'cpu'\n",
        'columns = 12\nstats = false\nvariety = 0\nsource = "\\\ndemo"\n',
    )

    def trial(self, chance: random.Random) -> int:
        config = self.folder / "automosaics"
        config.mkdir(exist_ok=True)
        others = {str(number): text.encode() for number, text in enumerate(self._GOOD)}
        text = others[chance.choice(sorted(others))]
        if chance.random() < 0.5:
            lines = text.splitlines(keepends=True)
            number = chance.randrange(len(lines))
            value = chance.choice((*_NUMBERS, "true", '"x"', "[1]", "{a = 1}", "1979-05-27", "''"))
            lines[number] = lines[number].partition(b"=")[0] + b"=" + value.encode() + b"\n"
            text = b"".join(lines)
        elif chance.random() < 0.9:
            text = mutations.spoiled(text, chance, others)
        else:
            text = chance.choice((b"[" * 9999, b"a=" + b"[" * 9999, b"a." * 9999 + b"b=1", b"\0"))
        (config / "settings.toml").write_bytes(text)
        os.environ["XDG_CONFIG_HOME"] = os.environ["APPDATA"] = str(self.folder)
        record = str(self.folder / "out.png")
        asked = ["--source", "demo", "--frames", "1", "--record", record, "--overwrite"]
        return run([*asked, "--no-window", "--no-virtual-camera", *TILES])


class _TileSets(Trials):
    """Copies of tile sets, to spoil."""

    def copy(self, chance: random.Random) -> Path:
        folder = self.folder / "set"
        shutil.rmtree(folder, ignore_errors=True)
        return Path(shutil.copytree(chance.choice((PLAIN, STRIPES)), folder))

    def play(self, folder: Path, chance: random.Random) -> int:
        asked = ["--source", "demo", "--size", "64x36", "--columns", str(chance.choice((1, 8)))]
        colour = chance.choice(("mono", "tint", "duo"))
        asked += ["--record", str(self.folder / "out.png"), "--colour", colour]
        return run([*asked, *SHORT[:3], "--frames", "2", "--tiles", str(folder)])


class Sidecars(_TileSets):
    """Spoiled sidecars: as text, and as values that nobody expects."""

    _VALUES: tuple[Any, ...] = (
        *(None, True, False, 0, 1, -1, 2, 3, 64, 10**6, 10**30, 0.5, -0.0, 1e308, "", "x" * 9999),
        *([], [0.1, 0.9], [0.9, 0.1], ["a"], [[]], {}, {"a": 1}, "\x1b[2J\n\0", [None, None]),
    )

    def trial(self, chance: random.Random) -> int:
        folder = self.copy(chance)
        path = folder / "tileset.json"
        good = path.read_bytes()
        if chance.random() < 0.6:
            content: Any = json.loads(good)
            for _ in range(chance.choice((1, 1, 2, 3))):
                content[chance.choice([*content, "kinds", "classes"])] = chance.choice(self._VALUES)
            path.write_text(json.dumps(content))
        elif chance.random() < 0.1:
            depth = chance.choice((10, 300, 900, 950, 980, 9999))
            nested = b"[" * depth + b"]" * depth
            path.write_bytes(good.replace(b'"title": ', b'"title": ' + nested + b', "x": '))
        else:
            path.write_bytes(mutations.spoiled(good, chance, {"x": good, "y": b"NaN,1e999" * 9}))
        return self.play(folder, chance)


class Networks(_TileSets):
    """Spoiled networks: bytes, graphs, and pieces of hostile ones."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.hostile = [content for _, content, _ in hostile.networks()]

    def trial(self, chance: random.Random) -> int:
        folder = self.copy(chance)
        path = folder / chance.choice(("decoder.onnx", "regressor.onnx"))
        good = path.read_bytes()
        if chance.random() < 0.3:
            path.write_bytes(mutations.spoiled(good, chance, {"x": good, "y": self.hostile[0]}))
            return self.play(folder, chance)
        if chance.random() < 0.2:
            good = chance.choice(self.hostile)
        model = onnx.ModelProto()
        try:
            model.ParseFromString(good)
        except Exception:  # of a hostile one that is none
            path.write_bytes(good)
            return self.play(folder, chance)
        for _ in range(chance.choice((1, 1, 2, 5))):
            with suppress(IndexError, ValueError, TypeError, OverflowError, _NO_MODEL):
                chance.choice(_SURGERY)(model, chance)
        path.write_bytes(model.SerializeToString())
        return self.play(folder, chance)


def _other_operator(model: Any, chance: random.Random) -> None:
    from realtime import vetting

    node = chance.choice(model.graph.node)
    node.op_type = chance.choice((*vetting._OPERATORS.split(), "Loop", "If", "Scan", "Range"))


def _other_edge(model: Any, chance: random.Random) -> None:
    node = chance.choice(model.graph.node)
    names = [name for other in model.graph.node for name in (*other.input, *other.output)]
    names += [tensor.name for tensor in (*model.graph.initializer, *model.graph.input)]
    ends = chance.choice((node.input, node.input, node.output))
    ends[chance.randrange(len(ends))] = chance.choice((*names, ""))


def _other_numbers(model: Any, chance: random.Random) -> None:
    tensor = chance.choice(model.graph.initializer)
    values = onnx.numpy_helper.to_array(tensor).copy()
    extremes = (0, -1, 1, 2, 1e6, 2**31, 2**40, -(2**62), float("nan"), float("inf"))
    values.reshape(-1)[chance.randrange(values.size)] = chance.choice(extremes)
    if chance.random() < 0.3:
        values = values.reshape(chance.choice(((-1,), (1, -1), (-1, 1), (1, 1, -1))))
    kinds = ("float32", "float64", "float16", "int64", "int32", "uint8", "bool")
    kind = values.dtype if chance.random() < 0.7 else chance.choice(kinds)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(kind), tensor.name))


def _other_shape(model: Any, chance: random.Random) -> None:
    tensor = chance.choice(model.graph.initializer)
    tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice((0, 1, 3, 1 << 20, 1 << 40, -1))


def _other_attribute(model: Any, chance: random.Random) -> None:
    node = chance.choice(model.graph.node)
    value = chance.choice((0, -1, 3, 1 << 40, [1, 1], [1 << 30] * 4, 0.5, [0.5], "x", []))
    names = [attribute.name for attribute in node.attribute]
    name = chance.choice((*names, "axis", "perm", "pads", "strides", "kernel_shape", "to", "group"))
    for number, attribute in enumerate(node.attribute):
        if attribute.name == name:
            del node.attribute[number]
    node.attribute.append(onnx.helper.make_attribute(name, value, attr_type=_kind(value)))


def _kind(value: object) -> Any:
    return onnx.AttributeProto.INTS if value == [] else None


def _other_port(model: Any, chance: random.Random) -> None:
    port = chance.choice((*model.graph.input, *model.graph.output))
    kind = port.type.tensor_type
    kind.elem_type = chance.choice((1, 1, 1, 7, 8, 11, TensorProto.BFLOAT16, 99))
    dim = chance.choice(kind.shape.dim)
    dim.dim_value = chance.choice((0, 1, 3, 1 << 40, -1))


def _less(model: Any, chance: random.Random) -> None:
    things = chance.choice((model.graph.node, model.graph.initializer, model.graph.input))
    del things[chance.randrange(len(things))]


def _more(model: Any, chance: random.Random) -> None:
    body, weights, _ = chance.choice(sorted(hostile.TEXTS.values()))
    extra = hostile.extended(body, weights).graph
    model.graph.node.extend(extra.node[chance.randrange(len(extra.node)) :])
    model.graph.initializer.extend(extra.initializer)


_SURGERY = (
    *(_other_operator, _other_edge, _other_edge, _other_numbers, _other_numbers, _other_shape),
    *(_other_attribute, _other_attribute, _other_port, _less, _more),
)

KINDS: dict[str, type[Trials]] = {
    "pictures": Pictures,
    "clips": Films,
    "options": Wishes,
    "settings": Preferences,
    "sidecars": Sidecars,
    "models": Networks,
}
