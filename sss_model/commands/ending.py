"""How a command ends: one table of exit codes, and a sentence in place of a traceback.

0    all is done
1    some of the work failed
2    a wrong call: an option out of its range, a file or folder that is not there
130  stopped by Ctrl-C
143  stopped by SIGTERM
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from sss_model.errors import ParameterError, SSSError, is_out_of_memory
from sss_model.storage.atomic_write import reason

DONE, FAILED, WRONG_CALL, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
EXIT_CODES = "Exit code: 0 when all is done, 1 when some of it failed, 2 for a wrong call, 130 or 143 when stopped."


class Terminated(BaseException):
    """SIGTERM came. No `Exception`, so that nothing but a command's end takes it for an error of a picture."""


_STOPPED: dict[type, int] = {KeyboardInterrupt: INTERRUPTED, Terminated: TERMINATED}


def run_command(program: str, work: Callable[[], int], *, stopped: str = "") -> int:
    """Run `work` and return its exit code, or that of what ended it, with a sentence on stderr.

    Parameters
    ----------
    program : the command's name, which begins the sentence
    stopped : what to say when it is stopped

    Errors that nobody foresaw pass, with their traceback.
    """
    try:
        with _terminated_by_signal():
            return work()
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except BaseException as error:
        for each in (error, error.__cause__):  # Python 3.11 wraps one that comes while an import makes a class
            if type(each) in _STOPPED:
                _say(stopped)
                return _STOPPED[type(each)]
        sentence = explain(error)
        if sentence is None:
            raise
        _say(f"{program}: {sentence}")
        return exit_code(error)


def explain(error: BaseException) -> str | None:
    """What is wrong and what to do about it, in sentences; None for an error that nobody foresaw."""
    if isinstance(error, SSSError):
        return f"{error} {error.hint}".rstrip()
    if is_out_of_memory(error):
        return "There is not enough memory. Close other programs, or take smaller pictures or numbers."
    if isinstance(error, RuntimeError) and "torchvision::" in str(error):
        return (
            "torch and torchvision are of two builds that do not go together. Install both from one package index: "
            "pip install --force-reinstall --no-deps torch torchvision."
        )
    if isinstance(error, ImportError):
        return (
            f"A library could not be loaded: {error}. There may be too little memory for it: close other programs. If "
            "there is enough, install the program again."
        )
    if isinstance(error, OSError):
        why, hint = reason(error)
        return f"{error.filename}: {why}. {hint}" if error.filename else f"The system refused a file: {why}. {hint}"
    return None


def exit_code(error: BaseException) -> int:
    """`WRONG_CALL` for an error in what was asked, else `FAILED`."""
    return WRONG_CALL if isinstance(error, ParameterError) or getattr(error, "missing", False) else FAILED


def _say(text: str) -> None:
    if text:
        print(text, file=sys.stderr)


@contextlib.contextmanager
def _terminated_by_signal() -> Iterator[None]:
    """Let SIGTERM end the block by `Terminated`, so that half files and scratch go; a second one ends the process."""

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def leaving_at_once() -> Iterator[None]:
    """End the process at SIGINT or SIGTERM in the block, where a library loads before anything has begun.

    An exception might be lost or repeated without end in the middle of its modules.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        os._exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
