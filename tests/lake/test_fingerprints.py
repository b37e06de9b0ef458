import numpy as np

from lake.fingerprints import Distinct, Fingerprints, Prints
from lake.proofs import Tally, fingerprint


def prints(*numbers: int) -> Prints:
    return Prints.of(mark(number) for number in numbers)


def mark(number: int) -> bytes:
    return fingerprint("order", str(number))


def test_what_was_added_is_there_and_counts_once() -> None:
    there = Fingerprints([prints(1, 2, 1), prints(2, 3)])
    assert len(there) == 3
    assert there.among(prints(4, 3, 2, 1, 0)).tolist() == [False, True, True, True, False]
    assert (mark(3) in there, mark(4) in there) == (True, False)


def test_an_addition_says_what_was_new_the_first_time_that_it_came() -> None:
    there = Fingerprints([prints(1)])
    assert there.add(prints(2, 1, 2, 3)).tolist() == [True, False, False, True]
    assert there.add(prints(2, 1, 2, 3)).tolist() == [False, False, False, False]


def test_fingerprints_that_share_half_of_themselves_are_different_ones() -> None:
    same, other = np.array([7, 7, 7], np.uint64), np.array([1, 2, 3], np.uint64)
    there = Fingerprints([Prints(same[:2], other[:2])])
    assert there.among(Prints(same, other)).tolist() == [True, True, False]
    assert there.add(Prints(same, other)).tolist() == [False, False, True]
    assert len(there) == 3


def test_nothing_is_in_a_set_of_nothing() -> None:
    assert mark(1) not in Fingerprints()
    assert Fingerprints().add(prints()).tolist() == []


def test_many_batches_are_kept_in_few_runs_and_none_is_lost() -> None:
    there = Fingerprints(prints(*range(start, start + 10)) for start in range(0, 1_000, 10))
    assert len(there) == 1_000
    assert len(there._runs) < 10
    assert there.among(prints(*range(1_000))).all()


def test_a_batch_is_tallied_as_its_documents_are() -> None:
    one_by_one, at_once = Tally(), Tally()
    for number in range(100):
        one_by_one.add("order", str(number))
    at_once.take_all(prints(*range(50)))
    at_once.take_all(prints(*range(50, 100)))
    assert at_once == one_by_one


def test_different_things_are_counted_without_being_kept() -> None:
    ids = Distinct()
    ids.note([b"a", b"b", b"a"])
    ids.note([b"c", b"b"])
    assert len(ids) == 3
    ids.note([b"c"])
    assert len(ids) == 3
