"""Weights from their publishers: told how far one is, stopped where that is told, refused at once when offline."""

from __future__ import annotations

import hashlib
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sss_model.errors import Cancelled, CheckpointError
from sss_model.progress import Progress, silent
from sss_model.storage.atomic_write import replacing

PATIENCE = 6.0  # seconds that a server has to answer at all
_PIECE = 1 << 18  # bytes between two reports
_POLL = 0.05  # seconds between two looks at whether one is to stop
_USER = {"User-Agent": "sss-features"}


@contextmanager
def allowed_download(
    name: str, *, consent: bool, size: str = "", local: str = "a file with the weights"
) -> Iterator[None]:
    """Let the block download the weights of `name` where that was allowed; what goes wrong is a `CheckpointError`.

    Parameters
    ----------
    size : of the download (and where it goes), " of 177 MB to FILE"
    local : what may be named in its place, for the hint
    """
    if not consent:
        raise CheckpointError(
            f"The weights of {name} are not on this machine, and nothing is downloaded unasked.",
            hint=f"Allow the download{size} (--allow-download), or name {local}.",
        )
    try:
        yield
    except (Cancelled, CheckpointError):
        raise
    except Exception as error:  # of the hub's client, of many kinds
        raise CheckpointError(
            f"The weights of {name} could not be downloaded: {type(error).__name__}.",
            hint=f"Check the connection, or name {local}.",
        ) from error


def check_connection(url: str, title: str, progress: Progress | None = None) -> None:
    """Raise `CheckpointError` where the server of `url` does not answer within seconds; any answer will do.

    Parameters
    ----------
    title : what is to be downloaded, for the sentence
    progress : may raise `Cancelled` meanwhile
    """
    steps, answers = silent(progress), threading.Event()
    host = urlsplit(url).hostname or url

    def ask() -> None:
        with suppress(OSError):
            with suppress(urllib.error.HTTPError):  # it answered
                urllib.request.urlopen(urllib.request.Request(url, method="HEAD", headers=_USER), timeout=PATIENCE)
            answers.set()

    asking = threading.Thread(target=ask, name="sss-connection", daemon=True)  # a name server may take a minute
    asking.start()
    for _ in range(round(PATIENCE / _POLL)):
        steps.report(0.0, f"Asking {host}")
        asking.join(_POLL)
        if not asking.is_alive():
            break
    if not answers.is_set():
        raise CheckpointError(
            f"There is no connection to {host}: {title} cannot be downloaded now.",
            hint="Connect this computer, or give a file with the weights.",
        )


def download_from_hub(
    repository: str, filename: str, revision: str | None, title: str, progress: Progress | None = None
) -> Path:
    """A file of Hugging Face's hub, in its cache.

    Raises
    ------
    CheckpointError : no connection
    Cancelled : `progress` was asked to stop; nothing of it stays
    """
    from huggingface_hub import constants, hf_hub_download

    steps = silent(progress)
    if not constants.is_offline_mode():
        check_connection(constants.ENDPOINT, title, steps)
    with _small_pieces():
        return Path(hf_hub_download(repository, filename, revision=revision, tqdm_class=_bar(steps, title)))


def download_file(url: str, file: Path, title: str, progress: Progress | None = None) -> None:
    """Download `url` as `file`, whole or not at all; a name as net-1a2b3c4d.pth holds the beginning of its SHA-256.

    Raises
    ------
    CheckpointError : no connection, it breaks off, or other contents than the name says
    Cancelled : `progress` was asked to stop
    """
    steps = silent(progress)
    check_connection(url, title, steps)
    file.parent.mkdir(parents=True, exist_ok=True)
    named, digest, done = re.search(r"-([0-9a-f]{8,})\.[^.]+$", file.name), hashlib.sha256(), 0
    request = urllib.request.Request(url, headers=_USER)
    with urllib.request.urlopen(request, timeout=30) as answer, replacing(file, CheckpointError) as temporary:
        total = int(answer.headers.get("Content-Length") or 0)
        with temporary.open("xb") as out:
            while piece := answer.read(_PIECE):
                out.write(piece)
                digest.update(piece)
                done += len(piece)
                _tell(steps, title, done, total)
        if (total and done != total) or (named and not digest.hexdigest().startswith(named[1])):
            raise CheckpointError(f"The download of {title} is damaged.", hint="Try again.")


def _tell(progress: Progress, title: str, done: int, total: int) -> None:
    amount = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else f"{done / 1e6:.0f} MB"
    progress.report(done / total if total else 0.0, f"Downloading {title}, {amount}")


@contextmanager
def _small_pieces() -> Iterator[None]:
    """Let the hub's client report often, and on this thread: xet reports on its own, where nothing can be stopped."""
    from huggingface_hub import constants

    before = constants.DOWNLOAD_CHUNK_SIZE, constants.HF_HUB_DISABLE_XET
    constants.DOWNLOAD_CHUNK_SIZE, constants.HF_HUB_DISABLE_XET = _PIECE, True
    try:
        yield
    finally:
        constants.DOWNLOAD_CHUNK_SIZE, constants.HF_HUB_DISABLE_XET = before


def _bar(progress: Progress, title: str) -> type[Any]:
    """A class in place of tqdm's whose bars tell `progress`."""

    class Bar:
        def __init__(self, *_: object, total: float | None = None, initial: float = 0, **__: object) -> None:
            self.n, self.total = int(initial), int(total or 0)
            _tell(progress, title, self.n, self.total)

        def update(self, count: float = 1) -> None:
            self.n += int(count)
            _tell(progress, title, self.n, self.total)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            return

        def close(self) -> None:
            return

    return Bar
