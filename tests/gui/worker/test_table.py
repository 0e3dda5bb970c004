"""The table of messages: every row has its method, which takes that message and gives its answer."""

from __future__ import annotations

import inspect
import sys
from typing import Any, get_args, get_type_hints

import pytest
from fakes import FakeEngine

from sss_gui.messages import queues
from sss_gui.messages.message import Message
from sss_gui.worker.engine import FeatureEngine
from sss_gui.worker.file_engine import FileEngine
from sss_gui.worker.model_engine import ModelEngine

ROWS = [
    *((row, FeatureEngine) for row in queues.FEATURES),
    *((row, FakeEngine) for row in queues.FEATURES),
    *((row, FileEngine) for row in queues.FILES),
    *((row, ModelEngine) for row in queues.MODELS),
]


def answer_of(message: type[Message[Any]]) -> Any:
    """The result that `class X(Message[Result])` names."""
    return get_args(message.__orig_bases__[0])[0]


@pytest.mark.parametrize(("row", "engine"), ROWS, ids=lambda value: getattr(value, "__name__", None) or value.method)
def test_every_row_has_its_method_with_the_types_of_its_message(row: queues.Row, engine: type) -> None:
    method = getattr(engine, row.method)
    hints = get_type_hints(method, vars(sys.modules[method.__module__]))
    first = list(inspect.signature(method).parameters)[1]
    assert hints[first] is row.message
    gives = set(get_args(hints["return"])) or {hints["return"]}
    assert gives <= {answer_of(row.message), type(None)}


def test_every_message_has_one_row() -> None:
    messages = [row.message for row in (*queues.FEATURES, *queues.FILES, *queues.MODELS)]
    assert len(messages) == len(set(messages))
    assert set(messages) == set(Message.__subclasses__())
