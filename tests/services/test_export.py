"""The export holds what people need and no secret."""

import json

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import Enrollment
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.prospect import Prospect, Suppression, SuppressionReason
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence, Step
from reply_desktop.services.export import export_json
from reply_desktop.services.ports import ProviderSettings
from tests.fakes.world import World


def test_export() -> None:
    world = World()
    world.add()
    world.settings.put_provider(Provider.GOOGLE, ProviderSettings("id", "hush-hush"))
    world.google.answer(Outcome(Cause.GRANT_REVOKED))
    world.health.check_now("ana")
    text = export_json(world.store, world.settings, world.clock)
    document = json.loads(text)
    (ana,) = document["accounts"]
    assert (ana["row"]["address"], ana["row"]["state"]) == ("ana@example.com", "expired")
    assert ana["episodes"][0]["cause"] == "grant_revoked"
    assert ana["row"]["proven_at"].endswith("Z")
    for secret in ("refresh-1", "access-1", "hush-hush"):
        assert secret not in text


def test_sequences_are_in_it_with_steps_counts_and_log_and_prospects_only_as_counts() -> None:
    world = World()
    at = world.clock.now()
    with world.store.begin() as unit:
        unit.sequences.add(
            Sequence("s", "Spring outreach", at, steps=(Step("one", 1, 60.0, "Hello", "How are you?"),))
        )
        unit.prospects.put_many([Prospect("p", "bob@prospect.example", at, {"city": "Bonn"})])
        unit.enrollments.add_many([Enrollment("e", "s", "p", 1, due_at=at)])
        unit.log.add([LogEntry(at, "s", LogKind.IMPORTED, "1 prospect was imported.")])
        unit.suppressions.put(Suppression("eve@prospect.example", SuppressionReason.UNSUBSCRIBED, at))
        unit.commit()
    text = export_json(world.store, world.settings, world.clock)
    document = json.loads(text)
    (spring,) = document["sequences"]
    assert (spring["row"]["name"], spring["row"]["prospects"], spring["row"]["waiting"]) == (
        "Spring outreach",
        1,
        1,
    )
    assert spring["sequence"]["steps"][0]["body"] == "How are you?"
    assert spring["sequence"]["window"]["opens"] == "09:00:00"
    assert [(entry["kind"], entry["text"]) for entry in spring["log"]] == [
        ("imported", "1 prospect was imported.")
    ]
    assert [one["email"] for one in document["suppressions"]] == ["eve@prospect.example"]
    assert "bob@prospect.example" not in text
