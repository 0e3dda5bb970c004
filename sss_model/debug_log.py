"""What the program does, with times: `--debug` on every command, or SSS_DEBUG=1 in the environment.

Modules log to `logging.getLogger(__name__)`, below "sss_model" or "sss_gui", at the level DEBUG. Without `start_log`
nothing is written, and a call costs one comparison.
"""

from __future__ import annotations

import argparse
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

PACKAGES = ("sss_model", "sss_gui")
VARIABLE = "SSS_DEBUG"
FORMAT = "%(asctime)s.%(msecs)03d  %(threadName)s  %(name)s  %(message)s"
FILE_BYTES, OLD_FILES = 1_000_000, 3  # of the log file, and how many of its past are left beside it

_handlers: list[logging.Handler] = []


def add_debug_option(parser: argparse.ArgumentParser) -> None:
    """Give `parser` --debug."""
    parser.add_argument(
        "--debug", action="store_true", help=f"say on stderr what is done, with times; so does {VARIABLE}=1"
    )


def start_log(debug: bool, file: Path | None = None) -> None:
    """Write the log to stderr, and to `file` where one is given, if `debug` or SSS_DEBUG asks for it.

    Parameters
    ----------
    debug : whether --debug was given; SSS_DEBUG set to anything but 0 or nothing asks for it as well
    file : made with its folder if missing; at a million bytes it is put aside, and three of those are left. One that
        cannot be written is named in the log and goes without.
    """
    stop_log()
    if not debug and os.environ.get(VARIABLE, "") in ("", "0"):
        return
    _handlers.append(logging.StreamHandler())
    problem = None
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            _handlers.append(RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8"))
        except OSError as error:
            problem = error
    for handler in _handlers:
        handler.setFormatter(logging.Formatter(FORMAT, "%H:%M:%S"))
        for package in PACKAGES:
            logging.getLogger(package).addHandler(handler)
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.DEBUG)
    if problem is not None:
        logging.getLogger(__name__).debug("no log file: %s", problem)


def stop_log() -> None:
    """Write no more, and close the file."""
    while _handlers:
        handler = _handlers.pop()
        for package in PACKAGES:
            logging.getLogger(package).removeHandler(handler)
        handler.close()
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.NOTSET)


def log_file() -> Path | None:
    """The file that the log goes to; None where it goes to none."""
    return next((Path(h.baseFilename) for h in _handlers if isinstance(h, RotatingFileHandler)), None)
