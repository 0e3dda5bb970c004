"""What a training run says: a JSON line for every event; a progress bar on a terminal; TensorBoard by choice."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError
from sss_model.storage.atomic_write import reason
from sss_model.training.run_folder.file_names import LOG


class TrainLog:
    """Writes `log.jsonl` in `folder`; a context manager.

    Parameters
    ----------
    folder : the output folder; None, as for all processes but the first, says nothing
    total, done : updates of the run, and those behind it, for the bar
    tensorboard : also write TensorBoard events there
    """

    def __init__(self, folder: Path | None, total: int, done: int, *, tensorboard: bool = False) -> None:
        self._file = (folder / LOG).open("ab", buffering=0) if folder else None
        self._board = _open_board(folder) if folder and tensorboard else None
        self._bar = _open_bar(total, done) if folder else None
        self._last_line = 0.0
        self._total = total
        self._refused = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.event("error", message=str(error), kind=type(error).__name__)
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            with self._said_once("TensorBoard's file"):
                self._board.close()
        if self._bar is not None:
            self._bar.close()

    def event(self, event: str, **values: Any) -> None:
        """Append one line: the event's name, the time in seconds since 1970, and `values`.

        Training does not depend on it: a line that the system refuses is left out, whole, and the first is said.
        """
        if self._file is None:
            return
        line = (json.dumps({"event": event, "time": round(time.time(), 3), **values}) + "\n").encode()
        end = self._file.seek(0, os.SEEK_END)
        with self._said_once(LOG):
            while line:
                try:
                    line = line[self._file.write(line) :]
                except OSError:
                    self._file.truncate(end)
                    raise

    @contextlib.contextmanager
    def _said_once(self, what: str) -> Iterator[None]:
        """Say what the system refuses the first time, and go on."""
        try:
            yield
        except OSError as error:
            if not self._refused:
                self._refused = True
                self.say(f"{what} is not whole: {reason(error)[0]}. Training goes on.")

    def say(self, text: str) -> None:
        """A line for the person at the terminal, above the bar."""
        if self._file is None:
            return
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def advance(self, update: int, loss: float, rate: float) -> None:
        """Update number `update` is done: move the bar, or without one say so about twice a minute."""
        if self._bar is not None:
            self._bar.set_postfix(loss=f"{loss:.4f}", rate=f"{rate:.1e}", refresh=False)
            self._bar.update(update - self._bar.n)
        elif time.monotonic() - self._last_line > 30:
            self._last_line = time.monotonic()
            self.say(f"update {update} of {self._total}: loss {loss:.4f}, rate {rate:.1e}")

    def curves(self, values: Mapping[str, float | None], update: int) -> None:
        """Numbers by name, for TensorBoard; None leaves one out."""
        if self._board is not None:
            with self._said_once("TensorBoard's file"):
                for name, value in values.items():
                    if value is not None:
                        self._board.add_scalar(name, value, update)

    @property
    def wants_pictures(self) -> bool:
        """Whether `picture` leads anywhere."""
        return self._board is not None

    def picture(self, name: str, picture: NDArray[np.uint8], update: int) -> None:
        """A picture (H, W, 3) for TensorBoard."""
        if self._board is not None:
            with self._said_once("TensorBoard's file"):
                self._board.add_image(name, picture, update, dataformats="HWC")


def _open_bar(total: int, done: int) -> Any:
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(total=total, initial=done, unit="update", dynamic_ncols=True, smoothing=0.05)


def _open_board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ParameterError(
            "TensorBoard is not installed.", hint="pip install tensorboard, or leave --tensorboard out."
        ) from error
    return SummaryWriter(folder)
