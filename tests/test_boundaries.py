"""What loads when, in fresh interpreters, and functions that can be seen at a glance.

Who may import whom stands in pyproject.toml as import-linter's contracts. They cannot tell an import that waits inside
a function from one that runs at the start, so the start without torch is tried out here.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(file for package in ("sss_model", "sss_gui") for file in (ROOT / package).rglob("*.py"))
LONGEST_FUNCTION = 60


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_window_is_on_screen_before_torch_loads() -> None:
    modules = loaded_after("import sss_gui.app")
    assert "sss_gui.app" in modules
    assert not modules & {"torch", "torchvision", "timm"}


@pytest.mark.parametrize(
    "module",
    [
        "sss_model",
        "sss_model.params",
        "sss_model.errors",
        "sss_model.progress",
        "sss_model.commands.extract",
        "sss_gui.worker.engine",
    ],
)
def test_light_modules_load_no_torch(module: str) -> None:
    assert "torch" not in loaded_after(f"import {module}")


@pytest.mark.parametrize("module", ["extractor", "postprocess", "training.trainer", "analysis.evaluate"])
def test_the_model_package_runs_without_qt(module: str) -> None:
    """Not through another package either, which the contracts do not look into."""
    modules = loaded_after(f"import sss_model.{module}")
    assert not modules & {"PySide6", "PyQt5", "PyQt6", "shiboken6", "pyqtgraph", "superqt"}


def test_functions_can_be_seen_at_a_glance() -> None:
    assert len(SOURCES) > 100
    for file in SOURCES:
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= LONGEST_FUNCTION, f"{file}: {node.name}"
