"""What is remembered, written to and read back from a real file."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from sss_gui.window.main_window import first_size
from sss_gui.window.settings import RECENT_LIMIT, Opened, Settings, within_reach

SCREEN, SECOND = QRect(0, 0, 1920, 1080), QRect(1920, 0, 2560, 1440)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "settings.ini"


@pytest.fixture
def settings(qapp, path):
    return Settings(path)


def again(settings, path):
    assert settings.sync()
    return Settings(path)


def test_at_first_everything_is_the_default(settings):
    assert (settings.theme, settings.device, settings.model) == ("system", "auto", "")
    assert (settings.open_folder, settings.recent_files, settings.panes("panel")) == ("", [], b"")
    assert settings.open_sections is None


def test_the_first_start_is_the_one_before_anything_was_stored(settings, path):
    assert settings.first_start
    assert again(settings, path).first_start, "looking stores nothing"
    settings.add_recent_file("/pictures/a.png")
    assert settings.first_start, "it lasts as long as the program"
    assert not again(settings, path).first_start


def test_what_is_set_is_read_back_by_the_next_run(settings, path, tmp_path):
    settings.theme, settings.device, settings.model = "dark", "cuda:0", "/m/ü.safetensors"
    settings.open_folder = str(tmp_path)
    settings.set_panes("panel", b"\x00\xff{}")
    settings.open_sections = ["filter"]
    settings.set_value("view/gain", 2.5)
    settings.set_value("view/on", True)
    new = again(settings, path)
    assert (new.theme, new.device, new.model, new.open_folder) == ("dark", "cuda:0", "/m/ü.safetensors", str(tmp_path))
    assert (new.panes("panel"), new.open_sections) == (b"\x00\xff{}", ["filter"])
    assert new.value("view/gain", 1.0) == 2.5
    assert new.value("view/on", False) is True
    assert new.value("view/gain", "") == "2.5"


def test_no_sections_is_not_the_default(settings, path):
    settings.open_sections = []
    assert again(settings, path).open_sections == []


@pytest.mark.parametrize(("default", "stored"), [(1, "abc"), (1.5, "x"), (True, "perhaps")])
def test_what_cannot_be_read_is_the_default(settings, default, stored):
    settings.set_value("a/b", stored)
    assert settings.value("a/b", default) == default


def test_a_mangled_file_is_survived(qapp, path):
    path.write_bytes(b"\x00\x01garbage[[[\n=\n[window]\ntheme=purple\nplace=@Rect(1 2)\ndocks=@ByteArray(zz)\n")
    settings = Settings(path)
    assert not settings.restore_window(QWidget())


def test_recent_files_are_newest_first_without_doubles(settings, path, tmp_path):
    names = [str(tmp_path / f"{n}.png") for n in range(RECENT_LIMIT + 3)]
    for name in names:
        settings.add_recent_file(name)
    settings.add_recent_file(names[5])
    new = again(settings, path)
    assert new.recent_files[:2] == [names[5], names[-1]]
    assert len(new.recent_files) == len(set(new.recent_files)) == RECENT_LIMIT


def test_a_list_of_one_reads_back_as_a_list(settings, path, tmp_path):
    settings.add_recent_file(tmp_path / "a.png")
    assert again(settings, path).recent_files == [str(tmp_path / "a.png")]


def test_how_a_recent_file_was_opened_is_kept_as_long_as_the_file(settings, path, tmp_path):
    features, strip = str(tmp_path / "ü, 1.npz"), str(tmp_path / "strip.png")
    with_photo = Opened(image=str(tmp_path / "photo.png"))
    settings.add_recent_file(features, with_photo)
    settings.add_recent_file(strip, Opened(layout="strip"))
    new = again(settings, path)
    assert (new.how_opened(features), new.how_opened(strip)) == (with_photo, Opened(layout="strip"))
    assert new.how_opened(tmp_path / "other.png") == Opened()
    new.add_recent_file(strip)
    assert new.how_opened(strip) == Opened(), "the last time counts"
    for n in range(RECENT_LIMIT):
        new.add_recent_file(tmp_path / f"{n}.png")
    assert new.how_opened(features) == Opened()
    new.set_value("recent/opened", '{"a": 1}')
    assert new.how_opened(features) == Opened()


def test_recent_models_are_a_list_of_their_own(settings):
    settings.add_recent_model("/a")
    settings.add_recent_model("/b")
    settings.forget_recent_model("/a")
    assert [name[-1] for name in settings.recent_models] == ["b"]
    assert settings.recent_files == []


def test_a_folder_that_is_gone_is_forgotten(settings, tmp_path):
    folder = tmp_path / "was"
    folder.mkdir()
    settings.export_folder = str(folder)
    assert settings.export_folder == str(folder)
    folder.rmdir()
    assert settings.export_folder == ""


def test_a_window_comes_back_where_it_was(settings, path, qtbot):
    def make():
        window = QMainWindow()
        window.setObjectName("w")
        dock = QDockWidget("d", window)
        dock.setObjectName("dock")
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        qtbot.addWidget(window)
        return window, dock

    window, dock = make()
    assert not settings.restore_window(window)
    screen = QGuiApplication.primaryScreen().availableGeometry()
    place = QRect(screen.x() + 20, screen.y() + 30, 400, 300)
    window.setGeometry(place)
    dock.hide()
    settings.save_window(window, window.geometry())
    other, other_dock = make()
    assert again(settings, path).restore_window(other)
    assert other.geometry() == place
    assert other_dock.isHidden()


@pytest.mark.parametrize(
    ("place", "screens", "want"),
    [
        (QRect(100, 100, 800, 600), [SCREEN], QRect(100, 100, 800, 600)),
        (QRect(2500, 200, 800, 600), [SCREEN, SECOND], QRect(2500, 200, 800, 600)),
        (QRect(2500, 200, 800, 600), [SCREEN], QRect(1120, 200, 800, 600)),
        (QRect(2500, -900, 3000, 2000), [SCREEN], SCREEN),
        (QRect(100, -50, 800, 600), [SCREEN], QRect(100, 0, 800, 600)),
        (QRect(1900, 100, 800, 600), [SCREEN], QRect(1120, 100, 800, 600)),
        (QRect(0, 0, 4000, 3000), [SCREEN], SCREEN),
        (QRect(5, 5, 50, 50), [], QRect(5, 5, 50, 50)),
    ],
)
def test_a_window_is_put_within_reach(place, screens, want):
    assert within_reach(place, screens) == want


def test_a_read_only_home_is_survived(qapp, tmp_path):
    settings = Settings(tmp_path / "file.txt" / "settings.ini")
    (tmp_path / "file.txt").write_text("in the way")
    settings.theme = "dark"
    assert not settings.sync()
    assert settings.theme == "dark"


@pytest.mark.parametrize(("screen", "size"), [((1000, 700), (992, 664)), ((1366, 768), (1358, 732)),
                                              ((1920, 1200), (1360, 860)), ((2560, 1440), (1360, 860))])  # fmt: skip
def test_the_first_window_fits_the_screen(screen, size):
    assert first_size(QSize(*screen)) == QSize(*size)
