"""Who may import whom (design.md), checked on the source and in fresh interpreters."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODEL = sorted((ROOT / "sss_model").rglob("*.py"))
WIDGETS = sorted((ROOT / "sss_gui" / "widgets").rglob("*.py"))
GUI = sorted(file for file in (ROOT / "sss_gui").rglob("*.py") if file not in WIDGETS)
QT = ("PySide6", "PyQt5", "PyQt6", "pyqtgraph", "superqt", "shiboken6", "qtpy")


def imports(file: Path, *, top_level: bool = False) -> set[str]:
    """Full names of the modules that `file` imports, anywhere or only when it is itself imported."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.add(child.module)
                found.update(f"{child.module}.{alias.name}" for alias in child.names)
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if not typing_only and not (top_level and inside):
                visit(child)

    visit(tree)
    return found


def from_package(names: set[str], *packages: str) -> set[str]:
    return {name for name in names if name.split(".")[0] in packages}


def test_the_sources_are_found() -> None:
    assert len(MODEL) > 10
    assert len(WIDGETS) > 3
    assert len(GUI) > 5


@pytest.mark.parametrize("file", MODEL, ids=lambda f: str(f.relative_to(ROOT)))
def test_the_model_package_knows_neither_qt_nor_the_window(file: Path) -> None:
    assert not from_package(imports(file), *QT, "sss_gui")


@pytest.mark.parametrize("file", WIDGETS, ids=lambda f: str(f.relative_to(ROOT)))
def test_widgets_import_qt_params_and_pictures_only(file: Path) -> None:
    names = imports(file)
    assert not from_package(names, "torch", "torchvision", "timm")
    ours = from_package(names, "sss_model", "sss_gui")
    allowed = (
        "sss_model.params",
        "sss_gui.widgets.picture.qimage",
        "sss_gui.pane_names",
        "sss_gui.widgets",
    )
    roots = {"sss_model", "sss_gui"}
    assert {name for name in ours if name not in roots and not name.startswith(allowed)} == set()


@pytest.mark.parametrize("file", GUI, ids=lambda f: str(f.relative_to(ROOT)))
def test_only_the_engine_calls_torch_code(file: Path) -> None:
    if file.name in ("engine.py", "app.py"):  # app.py: on Windows torch must be imported before Qt; see the next test
        return
    assert not from_package(imports(file), "torch", "torchvision", "timm")


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
        "sss_model.files.resources",
        "sss_gui.worker.engine",
    ],
)
def test_light_modules_load_no_torch(module: str) -> None:
    assert "torch" not in loaded_after(f"import {module}")


@pytest.mark.parametrize("module", ["extractor", "postprocess", "training.trainer", "analysis.evaluate"])
def test_the_model_package_runs_without_qt_and_opencv(module: str) -> None:
    modules = loaded_after(f"import sss_model.{module}")
    assert not modules & {*QT, "cv2"}


@pytest.mark.parametrize("file", [*MODEL, *GUI, *WIDGETS], ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_classes_can_be_seen_at_a_glance(file: Path) -> None:
    """No file over 400 lines, no class over 250 (issue 5)."""
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
    sizes = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in classes}
    assert not {name: lines for name, lines in sizes.items() if lines > 250}
