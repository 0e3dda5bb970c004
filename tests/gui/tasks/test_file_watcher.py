"""Files that change on disk are read again."""

from __future__ import annotations

import numpy as np
import pytest
from journeys import idle_shown

from sss_gui.requests.panes import ComputeFeatures
from sss_gui.tasks.file_watcher import SETTLE_MS
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


def again(qtbot, program, engine, act):
    """The size of the picture that is read anew after `act`."""
    count = len(shows(engine))
    act()
    qtbot.waitUntil(lambda: len(shows(engine)) > count, timeout=8000)
    idle_shown(qtbot, program)


def test_a_picture_that_is_deleted_and_written_anew_later_is_shown_anew(qtbot, program, engine, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    count = len(shows(engine))
    photos[0].unlink()
    qtbot.wait(SETTLE_MS + 300)
    assert len(shows(engine)) == count, "what is shown stays while the file is gone"
    again(qtbot, program, engine, lambda: write_picture(photos[0], np.full((5, 5, 3), 9, np.uint8)))
    again(qtbot, program, engine, lambda: write_picture(photos[0], np.full((6, 6, 3), 9, np.uint8)))


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_is_moved_to_another_picture_is_followed(qtbot, program, engine, tmp_path, what):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_picture(tmp_path / name / "a.png", np.full((5, 5, 3), 9, np.uint8))
    link = tmp_path / "now"
    target = {name: tmp_path / name / "a.png" if what == "file" else tmp_path / name for name in ("one", "two")}
    link.symlink_to(target["one"])
    program.open_files.open_paths([link if what == "file" else link / "a.png"])
    idle_shown(qtbot, program)

    def move():
        (tmp_path / "new").symlink_to(target["two"])
        (tmp_path / "new").rename(link)

    again(qtbot, program, engine, move)


def test_other_files_written_beside_it_read_nothing_again(qtbot, program, engine, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    count = len(shows(engine))
    write_picture(photos[0].with_name("export.png"), np.full((5, 5, 3), 9, np.uint8))
    qtbot.wait(2 * SETTLE_MS)
    assert len(shows(engine)) == count


def test_nothing_is_watched_once_the_program_has_ended(qtbot, program, photos):
    """A change that settles after the end would reach panes that are gone."""
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    noted = []
    program.file_watcher.noted.connect(noted.append)
    write_picture(photos[0], np.full((5, 5, 3), 9, np.uint8))
    assert program.close()
    qtbot.wait(SETTLE_MS + 300)
    assert not noted
