"""Measurements that are under way, so that an interrupted command goes on."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from worldsim.checkpoint import refuse_other
from worldsim.files import write_atomic


class Ledger:
    """What was measured, as plain data by name, in a file that stays until all is said.

    Measurements of another `subject`, plain data that says what is measured on what, do not count.

    Args:
        path: the file; null keeps nothing.
        subject: what is measured on what.
        strict: refuse a file of another subject, so that it is not lost.
    """

    def __init__(self, path: Path | None, subject: Mapping[str, Any], strict: bool = False) -> None:
        """Take what the file holds.

        Raises:
            UserError: it is of another subject, and that is to be refused.
        """
        self._path, self._subject = path, json.loads(json.dumps(subject))
        told = json.loads(path.read_text()) if path is not None and path.exists() else {}
        if strict and path is not None and told:
            refuse_other(told["subject"], self._subject, path)
        self._told: dict[str, Any] = {}
        if told.get("subject") == self._subject:
            self._told = told["measured"]

    def __len__(self) -> int:
        """How much has been measured."""
        return len(self._told)

    def told(self, name: str, measure: Callable[[], Any]) -> Any:
        """What `measure` says, which is asked only if nobody has before."""
        if name not in self._told:
            self._told[name] = measure()
            if self._path is not None:
                content = {"subject": self._subject, "measured": self._told}
                write_atomic(self._path, json.dumps(content).encode())
        return self._told[name]

    def close(self) -> None:
        """All is said: the next command measures anew."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
