"""Measurements of a benchmark that is under way, so that an interrupted one goes on."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from worldsim.files import write_atomic


class Ledger:
    """What was measured, as plain data by name, in a file that stays until all is said.

    Measurements of another `subject`, plain data that says what is measured on what, do not count.
    """

    def __init__(self, path: Path, subject: Mapping[str, Any]) -> None:
        self._path, self._subject = path, json.loads(json.dumps(subject))
        told = json.loads(path.read_text()) if path.exists() else {}
        self._told: dict[str, Any] = {}
        if told.get("subject") == self._subject:
            self._told = told["measured"]

    def told(self, name: str, measure: Callable[[], Any]) -> Any:
        """What `measure` says, which is asked only if nobody has before."""
        if name not in self._told:
            self._told[name] = measure()
            content = {"subject": self._subject, "measured": self._told}
            write_atomic(self._path, json.dumps(content).encode())
        return self._told[name]

    def close(self) -> None:
        """All is said: the next benchmark measures anew."""
        self._path.unlink(missing_ok=True)
