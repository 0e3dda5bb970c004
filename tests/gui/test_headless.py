"""The window's journey without a display, in this process and on a fake engine."""

from __future__ import annotations

import pytest

from sss_gui.app import parse


@pytest.mark.parametrize("size", ["100", "100xtall", "0x10", "1x2x3"])
def test_a_size_that_is_none_is_explained(size, capsys):
    with pytest.raises(SystemExit):
        parse(["--size", size])
    assert "argument --size: expected WxH, such as 1600x1000" in capsys.readouterr().err


def test_a_size_is_width_by_height():
    assert parse(["--size", "800X600"]).size == (800, 600)
