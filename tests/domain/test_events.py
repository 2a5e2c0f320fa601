"""An import's progress is one number that only grows."""

from itertools import pairwise

import pytest

from reply_desktop.domain.events import ImportPhase, ImportProgress


def test_the_phases_fill_the_whole_one_after_the_other() -> None:
    begins = [ImportProgress("i", 0, 10, phase=phase).share for phase in ImportPhase]
    ends = [ImportProgress("i", 10, 10, phase=phase).share for phase in ImportPhase]
    assert (begins[0], ends[-1]) == (0.0, 1.0)
    assert begins[1:] == ends[:-1]
    assert all(one < other for one, other in pairwise([*begins, 1.0]))


@pytest.mark.parametrize(("done", "total", "share"), [(0, 0, 0.1), (1, 2, 0.5), (9, 3, 0.9)])
def test_an_estimate_that_was_wrong_does_not_go_beyond_its_phase(done: int, total: int, share: float) -> None:
    assert ImportProgress("i", done, total, phase=ImportPhase.ENROLLING).share == pytest.approx(share)
