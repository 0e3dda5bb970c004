"""Files that change on disk are read again."""

from __future__ import annotations

import numpy as np
from journeys import idle_shown

from sss_gui.requests.panes import ComputeFeatures
from sss_model.image_io import write_picture


def shows(engine):
    return [request for request in engine.asked if isinstance(request, ComputeFeatures)]


def test_a_picture_that_changes_on_disk_is_shown_anew(qtbot, program, engine, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    count = len(shows(engine))
    write_picture(photos[0], np.full((5, 5, 3), 9, np.uint8))
    qtbot.waitUntil(lambda: len(shows(engine)) == count + 1, timeout=5000)
    write_picture(photos[0], np.full((6, 6, 3), 9, np.uint8))
    qtbot.waitUntil(lambda: len(shows(engine)) == count + 2, timeout=5000)
    idle_shown(qtbot, program)


def test_a_photograph_found_beside_its_features_is_watched(qtbot, program, photos, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4, 8), np.float32))
    program.open_files.open_paths([tmp_path / "a.npy"])
    idle_shown(qtbot, program)
    with qtbot.waitSignal(program.file_watcher.reloaded) as reloaded:
        write_picture(photos[0], np.full((4, 4, 3), 9, np.uint8))
    assert reloaded.args[0].path == tmp_path / "a.npy"
    idle_shown(qtbot, program)
