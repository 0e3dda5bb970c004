"""The exit code is the tests': what PySide does while the interpreter is torn down, after the summary, is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

_status: list[int] = []


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    _status.append(int(exitstatus))


@pytest.hookimpl(wrapper=True)
def pytest_unconfigure(config: pytest.Config) -> Iterator[None]:
    """End the process before Qt's objects, owned by C++ and Python both, are freed a second time (PySide 6.11)."""
    yield
    if _status and "PySide6.QtWidgets" in sys.modules and sys.modules["PySide6.QtWidgets"].QApplication.instance():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_status[-1])
