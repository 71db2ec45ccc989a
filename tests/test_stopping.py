"""Signals ask; a second Ctrl-C insists."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from realtime.stopping import stop_on_signals


class TestStop:
    """Signals ask; a second Ctrl-C insists."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.skipif(os.name == "nt", reason="Windows cannot send itself these")
    def test_a_signal_asks(self, number: int) -> None:
        before = signal.getsignal(number)
        with stop_on_signals() as stop:
            assert not stop()
            os.kill(os.getpid(), number)
            assert stop()
        assert signal.getsignal(number) is before

    @pytest.mark.skipif(os.name == "nt", reason="Windows cannot send itself these")
    def test_a_second_one_insists(self) -> None:
        with pytest.raises(KeyboardInterrupt), stop_on_signals():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    @pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="only Unix has SIGHUP")
    def test_ignored_signals_stay_ignored(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with stop_on_signals() as stop:
                os.kill(os.getpid(), signal.SIGHUP)
                assert not stop()
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_another_thread_may_use_it(self) -> None:
        asked: list[bool] = []

        def work() -> None:
            with stop_on_signals() as stop:
                asked.append(stop())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert asked == [False]
