"""That small matrices are multiplied in one thread, and others as before afterwards."""

from __future__ import annotations

import scipy.linalg  # noqa: F401  # which brings a library of its own
from threadpoolctl import threadpool_info, threadpool_limits

from sss_model.matting.one_thread import one_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_the_number_of_threads_comes_back() -> None:
    with threadpool_limits(2, user_api="blas"):
        with one_thread(), one_thread():
            assert threads() == {1}
        assert threads() == {2}
