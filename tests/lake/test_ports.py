"""A port that one process chose is nobody else's, also before anything listens there."""

import socket

from lake.ports import holding, is_free


def test_a_port_that_is_held_is_passed_over_before_anything_listens() -> None:
    with holding([0]) as first:
        assert first is not None
        assert not is_free(first)
        with holding([first, 0]) as second:
            assert second not in (None, first)
        with holding([first]) as none:
            assert none is None
    assert is_free(first)


def test_a_port_that_something_else_listens_on_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not is_free(taken.getsockname()[1])
