"""A short crash campaign, of which the full one is a command in CONTRIBUTING, and an engine that runs once."""

from pathlib import Path

import pytest

from tests.acceptance.crash_campaign import Campaign


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_killed_again_and_again_nothing_is_lost_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    verdict = Campaign(tmp_path, kills=8, touches=60, seed=7).run()
    assert verdict.good, verdict
    assert verdict.in_doubt > 0, "no kill hit a message in flight"


@pytest.mark.slow
def test_an_engine_that_runs_once_sends_all_that_is_due(tmp_path: Path) -> None:
    verdict = Campaign(tmp_path, kills=0, touches=24, seed=7).run_once()
    assert verdict.sent > 0 and not verdict.lost and not verdict.twice, verdict
