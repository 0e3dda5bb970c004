"""timm without torch's compiler: importing torchvision loads torch._dynamo, which takes longer than both of them.

Nothing here is compiled. While timm is imported, two names stand in for those that it and torchvision take from the
compiler; afterwards they are gone, and whoever wants the compiler gets the real one.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from sss_model.quick_import import quick_import

_COMPILER, _UTILS = "torch._dynamo", "torch._dynamo.utils"
_lock = threading.Lock()


def import_timm() -> ModuleType:
    """The package timm, imported quickly where it was not imported yet."""
    with _lock:
        if "timm" not in sys.modules and _COMPILER not in sys.modules:
            # another version may want more of it
            with quick_import(), contextlib.suppress(ImportError, AttributeError), _stand_in():
                return importlib.import_module("timm")
        return importlib.import_module("timm")


@contextlib.contextmanager
def _stand_in() -> Iterator[None]:
    compiler, utils = ModuleType(_COMPILER), ModuleType(_UTILS)
    names: dict[ModuleType, dict[str, Any]] = {
        compiler: {"__path__": [], "utils": utils, "disable": _disable},
        utils: {"is_compile_supported": _is_compile_supported},
    }
    for module, values in names.items():
        vars(module).update(values)
        sys.modules[module.__name__] = module
    try:
        yield
    finally:
        for module in names:
            if sys.modules.get(module.__name__) is module:
                del sys.modules[module.__name__]


def _disable(function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Callable[..., Any]:
    """Leaves a function that must not be compiled as it is: none is."""
    return function or (lambda decorated: decorated)


def _is_compile_supported(device: str) -> bool:
    """What the compiler says, asked when somebody wants to know."""
    return bool(importlib.import_module(_UTILS).is_compile_supported(device))
