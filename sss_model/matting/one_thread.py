"""Linear algebra of small matrices in one thread.

Its libraries wake all cores for a product of 2000 x 33 numbers and wait for the last. Beside other work on the machine,
such as the next picture's features, that took five times as long as one thread does alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    import scipy.sparse.linalg  # noqa: F401  # which brings its own, as torch does
    import torch  # noqa: F401

    return ThreadpoolController()


@contextmanager
def one_thread(kind: str = "blas") -> Iterator[None]:
    """Have BLAS, or torch for the `kind` "openmp", use one thread, and as many as before at the end."""
    with _libraries().limit(limits=1, user_api=kind):
        yield
