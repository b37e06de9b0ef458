"""Ctrl-C ends a command with a sentence and with 130, the code that shells give to it."""

import sys

import pytest

from boathouse import __main__, state


def test_a_command_that_is_interrupted_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(state, "show_status", interrupted)
    monkeypatch.setattr(sys, "argv", ["boathouse", "status"])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "boathouse: stopped by Ctrl-C; run again to go on where it stopped.\n"
