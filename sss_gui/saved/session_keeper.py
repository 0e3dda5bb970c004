"""Writes the running session on a thread of its own: bringing a file to the disk would hold up the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sss_gui.requests.channel import Request
from sss_gui.requests.worker import Answers, Deliver, Engine
from sss_gui.saved.session_file import SavedSession, write_session
from sss_model.progress import Progress


@dataclass(frozen=True)
class KeepSession(Request[None]):
    """Write `saved` as the file `path`."""

    path: Path
    saved: SavedSession


class SessionEngine(Engine):
    """Writes sessions, one after the other; of those that wait the newest."""

    answers: ClassVar[Answers] = {KeepSession: "keep"}

    def keep(self, request: KeepSession, progress: Progress, deliver: Deliver) -> None:
        """The file is whole, or the one before stays."""
        request.path.parent.mkdir(parents=True, exist_ok=True)
        write_session(request.path, request.saved)
