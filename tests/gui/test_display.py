"""One rule for whether a window can be shown, for the window and for what sets it up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sss_gui.display import has_display

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("variables", "shown"),
    [({}, False), ({"DISPLAY": ""}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True),
     ({"QT_QPA_PLATFORM": "offscreen"}, True)],
)  # fmt: skip
def test_on_linux_an_address_is_needed(monkeypatch, variables, shown):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_display() == shown


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_there_is_always_one(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert has_display()


def test_it_can_be_asked_before_anything_is_installed():
    code = f"import sys; sys.path[:0] = [{str(ROOT / 'packaging')!r}]; import run; print(run.has_display.__module__)"
    bare = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert bare.stdout.strip() == "sss_gui.display"
