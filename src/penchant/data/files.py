"""What every reader of files needs: the bytes, the literal path, a hint at a near name."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from penchant.errors import DataError, hint

_GZIP = b"\x1f\x8b"


def content(path: Path) -> bytes:
    """The bytes of a file, unpacked if it is gzipped.

    Raises:
        DataError: it cannot be opened or unpacked.
    """
    try:
        packed = path.read_bytes()
        return gzip.decompress(packed) if packed[:2] == _GZIP else packed
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"the file cannot be read ({error})", where=str(path)) from error


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzipped files do."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def literal(path: Path) -> str:
    """A path as DuckDB must be given it, where ``*``, ``?`` and ``[`` stand for many files."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path))


def nearest_name(path: Path) -> str | None:
    """A hint at a file beside a missing one whose name is similar."""
    try:
        return hint(path.name, [one.name for one in path.parent.iterdir()]) or None
    except OSError:
        return None
