"""The models one has, told apart and chosen."""

from __future__ import annotations

from pathlib import Path

from journeys import idle_shown
from PySide6.QtWidgets import QListWidget

from sss_gui.widgets.dialogs.model_manager import ModelManager
from sss_gui.worker.model_engine import describe_model


def test_models_are_told_apart(tmp_path):
    shipped = describe_model(None)
    assert shipped.key == ""
    assert "128 features" in shipped.summary
    (tmp_path / "x.safetensors").write_text("no model")
    assert describe_model(tmp_path / "x.safetensors").summary == "Not a model of this program."
    assert describe_model(tmp_path / "gone.safetensors").summary == "The file is gone."


def test_the_model_manager_lists_and_loads(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    program.session.set_model(tmp_path / "net.safetensors")
    idle_shown(qtbot, program)
    assert [Path(name).name for name in program.settings.recent_models] == ["net.safetensors"]
    program.actions["models"].trigger()
    dialog = program.window.findChild(ModelManager)
    qtbot.waitUntil(lambda: dialog.findChild(QListWidget).count() == 2)
    dialog.use_requested.emit("")
    assert program.session.state.model is None
    idle_shown(qtbot, program)
    dialog.close()
