"""The picture that is developed, which others may replace or change while it is read."""

import hashlib
import os
from pathlib import Path
from types import TracebackType

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.damage import check_is_file, one_clear_error
from phos_darkroom.settings.sidecar.record import FileFacts, place, sha256_of

__all__ = ["Source"]


class Source:
    """A picture's file, held open from before it is read, so that its facts are of what was read.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ImageFileError
        If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with one_clear_error(path):
            check_is_file(path)
            self._file = path.open("rb")
            self._before = os.fstat(self._file.fileno())
        self._facts: FileFacts | None = None

    def __enter__(self) -> "Source":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def check_opened(self) -> None:
        """Raise unless the path still leads to this file.

        Raises
        ------
        ImageFileError
            If another file has taken its place.
        """
        with one_clear_error(self.path):
            now = self.path.stat()
            is_same = os.path.samestat(self._before, now) or self._hash() == sha256_of(self.path)
        if not is_same:
            raise ImageFileError(f"{self.path} was replaced while it was read; develop it again")

    def facts(self) -> FileFacts:
        """Give the facts of the bytes that were read.

        Returns
        -------
        FileFacts
            Of this file, whatever lies at its path by now; as they were when first asked for.

        Raises
        ------
        ImageFileError
            If it has been changed meanwhile, so that it is unknown what was read, or cannot be
            read.
        """
        if self._facts is not None:
            return self._facts
        with one_clear_error(self.path):
            sha256 = self._hash()
            after = os.fstat(self._file.fileno())
        if (after.st_size, after.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            raise ImageFileError(f"{self.path} was changed while it was read; develop it again")
        self._facts = FileFacts(path=place(self.path), size_bytes=after.st_size, sha256=sha256)
        return self._facts

    def _hash(self) -> str:
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()
