"""The export holds what people need and no secret."""

import json

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import Provider
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
