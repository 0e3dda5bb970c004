"""Every exception becomes a title, a sentence and, where one can do something, a hint."""

from __future__ import annotations

import errno

import pytest

from sss_gui.requests.error_text import describe
from sss_model.debug_log import start_log, stop_log
from sss_model.errors import CheckpointError, ImageError, SSSError


def leaves(kind):
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [kind]


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return describe(caught)


def test_our_own_errors_speak_for_themselves():
    text = raised(ImageError("cat.png is truncated.", hint="Copy it again."))
    assert (text.title, text.sentence, text.hint) == (
        "The picture cannot be used",
        "cat.png is truncated.",
        "Copy it again.",
    )
    assert "test_error_text" in text.details


@pytest.mark.parametrize("kind", leaves(SSSError))
def test_every_leaf_of_the_tree_has_a_title(kind):
    assert raised(kind("It is so.")).title


def test_kinds_of_errors_have_titles_of_their_own():
    assert raised(CheckpointError("no")).title != raised(ImageError("no")).title


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.ENOENT, errno.EROFS])
def test_system_errors_name_the_file_and_what_to_do(number):
    import os

    text = raised(OSError(number, os.strerror(number), "/some/where/cat.png"))
    assert text.sentence.startswith("cat.png: ")
    assert text.hint


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", b"/some/cat.png"), "cat.png: it is not there."),
        (OSError(errno.EXDEV, "Invalid cross-device link", "/some/cat.png"), "cat.png: it cannot be read or written."),
        (OSError("cannot identify image file <_io.BytesIO object at 0x7f>"), "It cannot be read or written."),
        (ModuleNotFoundError("No module named 'timm'", name="timm"), "timm cannot be loaded."),
        (ImportError("libcudart.so.12: cannot open shared object file"), "A library cannot be loaded."),
    ],
)
def test_no_librarys_words_are_in_our_sentences(error, sentence):
    text = raised(error)
    assert text.sentence == sentence
    assert text.hint
    assert str(error) in text.details


def test_unknown_errors_are_named_and_their_details_can_be_copied():
    text = raised(ZeroDivisionError("division by zero"))
    assert text.title == "Something went wrong in the program"
    assert text.sentence == "ZeroDivisionError: division by zero"
    assert "Traceback" in text.details
    assert raised(KeyError()).sentence == "KeyError."


def test_out_of_memory_is_said_plainly():
    assert "memory" in raised(MemoryError()).sentence


def test_the_details_name_the_log(tmp_path):
    start_log(True, tmp_path / "sss-gui.log")
    try:
        assert str(tmp_path / "sss-gui.log") in describe(KeyError("x")).details
    finally:
        stop_log()
    assert "sss-gui.log" not in describe(KeyError("x")).details
