"""Work in another thread: in order, complete, and honest about failures."""

from __future__ import annotations

import threading
import time

import pytest

from realtime.background import BEHIND_S, QUEUE_DEPTH, Background


def test_does_all_in_order_and_elsewhere() -> None:
    done: list[tuple[int, int]] = []
    background = Background[int](lambda item: done.append((item, threading.get_ident())), "test")
    for item in range(100):
        background.put(item)
    background.close()
    assert [item for item, _ in done] == list(range(100))
    assert threading.get_ident() not in {thread for _, thread in done}


def test_a_full_queue_waits_and_counts() -> None:
    let_go = threading.Event()

    def work(item: int) -> None:
        if item:
            let_go.wait()

    background = Background[int](work, "test")
    # Until it is known how long one takes, none waits behind another.
    for _ in range(2):
        background.put(0)
    for _ in range(1 + QUEUE_DEPTH):
        background.put(1)
    waits = background.waits
    threading.Timer(0.1, let_go.set).start()
    start = time.perf_counter()
    while background.waits == waits:
        background.put(0)
    assert time.perf_counter() - start > 0.05
    background.close()


def test_nothing_waits_where_work_is_slow() -> None:
    let_go = threading.Event()
    done: list[int] = []

    def work(item: int) -> None:
        time.sleep(BEHIND_S)
        if item:
            let_go.wait()
        done.append(item)

    background = Background[int](work, "test")
    background.put(0)
    background.put(1)  # only once the first is done
    assert done == [0]
    threading.Timer(0.1, let_go.set).start()
    background.put(1)
    assert done == [0, 1]
    background.close()
    assert (done, background.waits) == ([0, 1, 1], 2)


def test_a_failure_is_told_at_the_next_put_and_never_blocks() -> None:
    background = Background[int](_fail, "test")
    with pytest.raises(ZeroDivisionError):
        for item in range(100 * QUEUE_DEPTH):
            background.put(item)
            time.sleep(0.001)
    with pytest.raises(ZeroDivisionError):
        background.put(0)
    background.close()


def test_a_failure_nobody_was_told_of_is_told_at_close() -> None:
    background = Background[int](_fail, "test")
    background.put(0)
    with pytest.raises(ZeroDivisionError):
        background.close()


def test_no_work_is_done_after_a_failure() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        done.append(item)
        _fail(item)

    background = Background[int](work, "test")
    with pytest.raises(ZeroDivisionError):
        for item in range(5):
            background.put(item)
        background.close()
    assert done == [0]


def _fail(item: int) -> None:
    raise ZeroDivisionError(item)
