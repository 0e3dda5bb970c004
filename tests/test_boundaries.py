"""What loads when, in fresh interpreters, and functions that can be seen at a glance.

Who may import whom stands in pyproject.toml as import-linter's contracts. They cannot tell an import that waits inside
a function from one that runs at the start, so the start without torch is tried out here.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from sss_model.commands.entry import MODULES

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(file for package in ("sss_model", "sss_gui") for file in (ROOT / package).rglob("*.py"))
LONGEST_FUNCTION = 60


HEAVY = {"torch", "torchvision", "timm"}
TOOLKITS = {"PySide6", "PyQt5", "PyQt6", "shiboken6", "pyqtgraph", "superqt"}


def loaded_after(*statements: str) -> dict[str, set[str]]:
    """The modules that are loaded after each of `statements`, run one after the other in a fresh interpreter."""
    code = "import sys\nfor line in sys.argv[1:]:\n    exec(line)\n    print(*sys.modules)"
    call = [sys.executable, "-c", code, *statements]
    lines = subprocess.run(call, capture_output=True, text=True, check=True).stdout.splitlines()
    return {statement: set(line.split()) for statement, line in zip(statements, lines, strict=True)}


def test_what_shows_a_help_or_the_window_loads_no_torch() -> None:
    plan = "from sss_model.files.allocation import plan_allocation; plan_allocation((4, 5, 6))"
    helps = [f"import sss_model.commands.{name} as c; c.build_parser().format_help()" for name in MODULES.values()]
    window = "import sss_gui.app"
    light = [f"import sss_model.{name}" for name in ("params", "errors", "progress")]
    loaded = loaded_after(*light, plan, *helps, window, "import sss_gui.worker.engine")
    for statement, modules in loaded.items():
        assert not modules & HEAVY, statement
    assert not loaded[window] & {"scipy", "h5py"}
    assert not loaded[helps[-1]] & TOOLKITS


def test_the_model_package_runs_without_qt() -> None:
    """Not through another package either, which the contracts do not look into."""
    names = ("extractor", "postprocess", "training.trainer", "analysis.evaluate", "commands.train", "commands.evaluate")
    for statement, modules in loaded_after(*(f"import sss_model.{name}" for name in names)).items():
        assert not modules & TOOLKITS, statement


def test_functions_can_be_seen_at_a_glance() -> None:
    assert len(SOURCES) > 100
    for file in SOURCES:
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= LONGEST_FUNCTION, f"{file}: {node.name}"
