"""What engines register: every request has one method, which takes that request and gives its results."""

from __future__ import annotations

import inspect
import sys
from operator import attrgetter
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from fakes import FakeEngine

from sss_gui.requests.channel import Request
from sss_gui.saved.session_store import SessionEngine
from sss_gui.worker.engine import FeatureEngine
from sss_gui.worker.file_engine import FileEngine
from sss_gui.worker.model_engine import ModelEngine

ENGINES = (FeatureEngine, FileEngine, ModelEngine, SessionEngine)
ROWS = [(engine, kind, name) for engine in ENGINES for kind, name in engine.answers.items()]


def alternatives(result: Any) -> set[str]:
    """The types of which `result` is one, by their names."""
    kinds = get_args(result) if get_origin(result) in (Union, UnionType) else (result,)
    return {getattr(kind, "__forward_arg__", None) or (get_origin(kind) or kind).__name__ for kind in kinds}


def check(method: Any, kind: type[Request[Any]]) -> None:
    """`class X(Request[Result])` names what `method` gives."""
    hints = get_type_hints(method, vars(sys.modules[method.__module__]))
    first = next(name for name in inspect.signature(method).parameters if name != "self")
    assert hints[first] is kind
    assert alternatives(hints["return"]) <= alternatives(get_args(kind.__orig_bases__[0])[0]) | {"NoneType"}


@pytest.mark.parametrize(("engine", "kind", "name"), ROWS, ids=lambda value: getattr(value, "__name__", value))
def test_every_request_has_its_method_with_the_types_of_it(engine: type, kind: type[Request[Any]], name: str) -> None:
    check(attrgetter(name)(engine()), kind)


@pytest.mark.parametrize(("kind", "name"), FeatureEngine.answers.items())
def test_the_fake_engine_has_the_same_types(kind: type[Request[Any]], name: str) -> None:
    method = getattr(FakeEngine, name.split(".")[-1], None)
    if method is not None:
        check(method, kind)


def test_every_request_is_answered_once() -> None:
    kinds = [kind for engine in ENGINES for kind in engine.answers]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == set(Request.__subclasses__())
