"""Files that are whole or absent: atomic writes, and a lock on a folder."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from worldsim.errors import UserError

PARTIAL = ".partial"


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file that is either complete under its name or absent, also after a power cut.

    Raises:
        UserError: the disk is full, or the folder cannot be written; no partial file stays.
    """
    partial = path.with_name(f"{path.name}{PARTIAL}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _explained(error, path, len(data)) from error
        raise


@contextmanager
def locked(folder: Path, purpose: str) -> Iterator[None]:
    """Hold the folder for one process; the lock goes when the process does.

    Raises:
        UserError: another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise UserError(
            f"{folder} is in use by another `worldsim {purpose}`; "
            "wait until it ends or choose another folder"
        ) from error
    except OSError as error:
        raise _explained(error, folder, 0) from error
    try:
        yield
    finally:
        lock.release()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # only POSIX lets a folder be opened, and so its new entry be flushed
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(error: OSError, path: Path, size: int) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(
            f"no space left on the disk of {path}, {size / 1e6:.1f} MB needed; what was finished "
            "is kept: free some space and run the same command again"
        )
    return UserError(f"{path} cannot be written: {error.strerror or error}; choose another folder")
