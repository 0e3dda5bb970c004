"""`test.py`: which tests belong to which files, and what pytest is handed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from changed_files import changed_files, find_all_tests, find_tests

ROOT = Path(__file__).parent.parent


@pytest.fixture
def command() -> ModuleType:
    """packaging/checks.py, which test.py runs; loaded from its file."""
    spec = importlib.util.spec_from_file_location("packaging_checks", ROOT / "packaging" / "checks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "tests/test_readme.py",
        "tests/model/test_pca.py",
        "tests/model/filtering/test_box_sums.py",
        "tests/model/filtering/test_parallel.py",
        "tests/gui/widgets/picture/test_image_view.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("sss_model/filtering/box_sums.py", ["tests/model/filtering/test_box_sums.py"]),
        (
            "sss_model/filtering/local_linear.py",
            ["tests/model/filtering/test_box_sums.py", "tests/model/filtering/test_parallel.py"],
        ),
        ("sss_gui/widgets/picture/image_view.py", ["tests/gui/widgets/picture/test_image_view.py"]),
        ("sss_model/pca.py", ["tests/model/test_pca.py"]),
        ("sss_model/params.py", []),
        ("tests/model/test_pca.py", ["tests/model/test_pca.py"]),
        ("tests/model/made_sets.py", []),
        ("sss_model/README.md", ["tests/test_readme.py"]),
        ("resources/icon.png", []),
        (".ci/run", []),
    ],
)
def test_the_tests_of_a_file(tree: Path, file: str, tests: list[str]) -> None:
    assert find_tests(tree, file) == tests


def test_a_test_of_two_files_runs_once(tree: Path) -> None:
    files = ["sss_model/filtering/box_sums.py", "tests/model/filtering/test_box_sums.py"]
    assert find_all_tests(tree, files) == ["tests/model/filtering/test_box_sums.py"]


def test_changed_files_are_those_edited_and_those_not_yet_added(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for name in ("same.py", "edited.py", "gone.py"):
        (tmp_path / name).write_text("1\n")
    git("add", "-A")
    git("commit", "-m", "first")
    (tmp_path / "edited.py").write_text("2\n")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new.py").write_text("3\n")
    assert changed_files(tmp_path) == ["edited.py", "new.py"]
    git("add", "-A")
    git("commit", "-m", "second")
    assert changed_files(tmp_path) == []
    assert changed_files(tmp_path, "HEAD~1") == ["edited.py", "new.py"]
    with pytest.raises(RuntimeError, match="nowhere"):
        changed_files(tmp_path, "nowhere")


def test_options_are_added_to_the_default_ones(command: ModuleType) -> None:
    assert command.full_checks(["-k", "tiles"])["pytest"][-2:] == ["-k", "tiles"]
    assert command.full_checks(["-m", ""])["pytest"][-2:] == ["-m", ""]  # pytest takes the last -m


def test_quick_is_not_handed_to_pytest(command: ModuleType) -> None:
    assert command.split_arguments(["--quick", "-x"]) == ("HEAD", ["-x"])
    assert command.split_arguments(["--quick=main"]) == ("main", [])
    assert command.split_arguments(["-x"]) == (None, ["-x"])


def test_the_quick_check_of_a_file(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    checks = command.quick_checks(["sss_model/filtering/parallel.py", "sss_model/params.py", "LICENSE"], ["-x"])
    assert checks["pytest"][2:] == ["-m", "not slow", "-x", "tests/model/filtering/test_parallel.py"]
    assert checks["ruff check"][-2:] == ["sss_model/filtering/parallel.py", "sss_model/params.py"]
    assert capsys.readouterr().out == "Without tests of their own: sss_model/params.py\n"
    assert command.quick_checks(["LICENSE"], []) == {}


def test_every_check_runs_and_those_that_failed_are_named(
    command: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    checks = {name: ["-c", f"import sys; print('{name}'); sys.exit({code})"] for name, code in
              (("style", 0), ("types", 1), ("pytest", 5))}  # fmt: skip
    assert command.run_checks(Path(sys.executable), checks) == ["types", "pytest"]
    assert capfd.readouterr().out.splitlines() == ["== style", "style", "== types", "types", "== pytest", "pytest"]
    assert command.run_checks(Path(sys.executable), checks, nothing_is_fine=True) == ["types"]
