"""A model on disk: a manifest and array files, all checked, nothing executable.

``manifest.json`` names every other file with its SHA-256 and carries a checksum of itself; array
files are safetensors whose names carry their hash. The one atomic step of saving is the
replacement of the manifest, so a reader meets the old model or the new one, never a mixture.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.errors import ModelError

FORMAT = 1
MANIFEST = "manifest.json"
Arrays = Mapping[str, npt.NDArray[Any]]
_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}
_OURS = re.compile(
    r"(model|histories)-[0-9a-f]{16}\.safetensors(\.\d+-\d+\.tmp)?|manifest\.json\.\d+-\d+\.tmp"
)
_PATIENCE = 20  # times a folder is read again because it was saved meanwhile
_NEW = "Save the model again, or restore the folder from a copy"


def write(
    folder: str | os.PathLike[str], about: Mapping[str, Any], files: Mapping[str, Arrays]
) -> dict[str, int]:
    """Write a model; returns the size of each array file in bytes.

    The files of the model it replaces stay until the next save, for readers that are just loading.

    Args:
        folder: made if it does not exist; an older model in it is replaced in one step.
        about: the manifest's content, plain JSON values.
        files: arrays by file and name.

    Raises:
        ModelError: the folder cannot be written, or holds files that are not a model's.
    """
    path = Path(folder)
    claim(path)
    try:
        with _alone(path):
            before = _named(path)
            listed = {part: _write_arrays(path, part, arrays) for part, arrays in files.items()}
            manifest = {"format": FORMAT, **about, "files": listed}
            _replace(path, path / MANIFEST, _sealed(manifest).encode())
            if "histories" not in files:  # people who were left out do not linger
                before = {name for name in before if not name.startswith("histories-")}
            _sweep(path, before | {entry["name"] for entry in listed.values()})
    except OSError as error:
        raise ModelError(f"cannot be written: {error}", where=str(path)) from error
    return {part: entry["bytes"] for part, entry in listed.items()}


def read(
    folder: str | os.PathLike[str], optional: frozenset[str] = frozenset()
) -> tuple[dict[str, Any], dict[str, dict[str, npt.NDArray[Any]]]]:
    """The manifest and the memory-mapped arrays of a model, every byte checked.

    Args:
        folder: what `write` wrote.
        optional: files that may have been deleted; they are then left out.

    Raises:
        ModelError: not a model folder, damaged, or of a newer format.
    """
    path = Path(folder)
    for _ in range(_PATIENCE):
        manifest = read_manifest(path)
        listed = manifest["files"]
        missing = {part for part, e in listed.items() if not (path / str(e["name"])).exists()}
        if missing and read_manifest(path) != manifest:
            continue  # saved anew just now: what was named is gone with its model
        present = {part: e for part, e in listed.items() if part not in missing & optional}
        try:
            arrays = {p: _read_arrays(path / str(e["name"]), e) for p, e in present.items()}
        except ModelError:
            if read_manifest(path) == manifest:
                raise
            continue
        return manifest, arrays
    raise ModelError("is saved anew faster than it can be read", where=str(path))


def claim(folder: str | os.PathLike[str]) -> None:
    """Make a folder for a model, or complain if it holds something else.

    Raises:
        ModelError: it holds files that are not a model's, or cannot be made.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        strangers = sorted(one.name for one in path.iterdir() if not _OURS.fullmatch(one.name))
        is_model = _is_manifest(path / MANIFEST)
    except OSError as error:
        raise ModelError(f"cannot be written: {error}", where=str(path)) from error
    if not is_model and (strangers or (path / MANIFEST).exists()):
        raise ModelError(
            "the folder holds other files",
            where=str(path),
            got=(strangers or [MANIFEST])[0],
            do="Name a new or an empty folder",
        )


def _is_manifest(file: Path) -> bool:
    """Whether a file is the manifest of a model, whole or damaged."""
    return file.is_file() and b'"checksum"' in (text := file.read_bytes()) and b'"files"' in text


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against other savers, of this process or another."""
    with _opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _named(folder: Path) -> set[str]:
    """The files of the model that is about to be replaced."""
    try:
        return {str(entry["name"]) for entry in read_manifest(folder)["files"].values()}
    except ModelError:
        return set()


def _write_arrays(folder: Path, part: str, arrays: Arrays) -> dict[str, Any]:
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    digest = hashlib.sha256(content).hexdigest()
    name = f"{part}-{digest[:16]}.safetensors"
    _replace(folder, folder / name, content)
    return {"name": name, "sha256": digest, "bytes": len(content)}


def _replace(folder: Path, target: Path, content: bytes) -> None:
    """Put a file in place whole: written aside, synced, renamed, the folder synced."""
    aside = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)
    with _opened(folder) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sweep(folder: Path, named: set[str]) -> None:
    for file in folder.iterdir():
        if _OURS.fullmatch(file.name) and file.name not in named:
            file.unlink(missing_ok=True)


def _sealed(manifest: Mapping[str, Any]) -> str:
    checksum = hashlib.sha256(_canonical(manifest)).hexdigest()
    return json.dumps({**manifest, "checksum": checksum}, indent=1, ensure_ascii=False) + "\n"


def _canonical(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()


def read_manifest(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of a model folder, checked against its own checksum."""
    folder = Path(folder)
    where = str(folder / MANIFEST)
    if not (folder / MANIFEST).is_file():
        raise ModelError(
            f"no model here: {MANIFEST} is missing",
            where=str(folder),
            do="Save a model there first",
        )
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        checksum = manifest.pop("checksum")
        newer = manifest["format"] > FORMAT
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError("the manifest is damaged", where=where, do=_NEW) from error
    if hashlib.sha256(_canonical(manifest)).hexdigest() != checksum:
        raise ModelError("the manifest is damaged: checksum differs", where=where, do=_NEW)
    if newer:
        raise ModelError(
            f"the model has format {manifest['format']}, this version reads up to {FORMAT}",
            where=where,
            do="Upgrade: pip install -U penchant",
        )
    return dict(manifest)


def _read_arrays(file: Path, entry: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    try:
        # as a plain array, whose slices cost a tenth of a memmap's
        content = np.asarray(np.memmap(file, dtype=np.uint8, mode="r"))
    except (OSError, ValueError) as error:
        raise ModelError(
            "a file of the model is missing or empty", where=str(file), do=_NEW
        ) from error
    if hashlib.sha256(content.data).hexdigest() != entry["sha256"]:
        raise ModelError(
            "a file of the model is damaged: checksum differs", where=str(file), do=_NEW
        )
    # The checksum vouches for the header below: these are the bytes that safetensors wrote.
    start = 8 + int(content[:8].view("<u8")[0])
    header = json.loads(bytes(content[8:start]))
    return {
        name: _view(content[start:], spec)
        for name, spec in header.items()
        if name != "__metadata__"
    }


def _view(data: npt.NDArray[np.uint8], spec: Mapping[str, Any]) -> npt.NDArray[Any]:
    first, last = spec["data_offsets"]
    return data[first:last].view(_DTYPES[spec["dtype"]]).reshape(spec["shape"])
