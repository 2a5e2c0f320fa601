"""The world by itself: mailboxes, grants, conditions, and that a restart forgets nothing."""

from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import CONTROLS, EVERYWHERE, Control, Door, Level
from reply_desktop.sandbox.world import GOOGLE_TOKEN_CAP, End, Kind, Mailbox, World, end_of_testing
from tests.fakes.clock import FakeClock
from tests.sandbox.callers import ANA, BEN, CLEO, DANA, EMAIL, EMIL, FINN, GINA, SEND


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> World:
    return World(tmp_path / "world.json", clock.now)


def again(world: World, tmp_path: Path, clock: FakeClock) -> World:
    return World(tmp_path / "world.json", clock.now)


def box(world: World, address: str) -> Mailbox:
    found = world.mailbox(address)
    assert found is not None
    return found


def test_who_lives_here_first(world: World) -> None:
    assert [each.address for each in world.mailboxes()] == [ANA, BEN, CLEO, DANA, EMIL, FINN, GINA]
    assert [each.kind for each in world.mailboxes(Provider.MICROSOFT)] == [
        Kind.WORK,
        Kind.PERSONAL,
        Kind.WORK,
    ]
    assert box(world, DANA).tenant == box(world, FINN).tenant != box(world, EMIL).tenant
    assert world.password(GINA)
    assert world.password(GINA) not in repr(box(world, GINA))


def test_a_mailbox_is_found_by_address_and_by_subject(world: World) -> None:
    ana = box(world, ANA)
    assert world.mailbox(" Ana@Harbor.Example ") is ana
    assert world.mailbox_of(ana.subject, Provider.GOOGLE) is ana
    assert world.mailbox_of(ana.subject, Provider.MICROSOFT) is None
    assert world.mailbox(ANA, Provider.OTHER) is None
    assert world.mailbox(None) is None


def test_mailboxes_are_added_once(world: World) -> None:
    made = world.add_mailbox(Provider.OTHER, "Zoe@Lantern.example", password="known")
    assert (made.address, made.name, made.password) == ("zoe@lantern.example", "Zoe", "known")
    assert world.add_mailbox(Provider.OTHER, "zoe@lantern.example") is made
    with pytest.raises(ValueError, match="not a mail address"):
        world.add_mailbox(Provider.OTHER, "zoe")


def test_a_restart_forgets_nothing(world: World, tmp_path: Path, clock: FakeClock) -> None:
    kept = world.add_grant(box(world, ANA), "client", (SEND,), ends_at=clock.now() + timedelta(days=7))
    lost = world.add_grant(box(world, BEN), "client", (SEND,))
    world.end_grants(BEN, End.UNUSED)
    world.apply(Control.THROTTLE, ANA, {"retry_after_s": 9}, times=3)
    world.apply(Control.CHANGE_PASSWORD, GINA, {"password": "next"})
    newer = again(world, tmp_path, clock)
    assert newer.grant(kept.id) == kept and newer.grant(lost.id) == lost
    assert newer.live_grants(ANA) == [kept] and newer.live_grants(BEN) == []
    assert newer.conditions() == world.conditions() and newer.clients == world.clients
    assert newer.mailboxes() == world.mailboxes() and newer.password(GINA) == "next"
    assert (tmp_path / "world.json").stat().st_mode & 0o777 == 0o600


def test_a_grant_ends_on_its_day(world: World, clock: FakeClock) -> None:
    world.add_grant(box(world, ANA), "client", (SEND,), ends_at=clock.now() + timedelta(days=7))
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert len(world.live_grants(ANA)) == 1
    clock.advance(1)
    assert world.live_grants(ANA) == []


def test_the_oldest_of_too_many_google_grants_dies(world: World) -> None:
    made = [world.add_grant(box(world, ANA), "client", (SEND,)) for _ in range(GOOGLE_TOKEN_CAP)]
    other = world.add_grant(box(world, DANA), "client", ())
    before = made[0].end
    world.add_grant(box(world, ANA), "client", (SEND,))
    assert (before, made[0].end, made[1].end, other.end) == (None, End.TOO_MANY, None, None)


def test_testing_mode_spares_sign_in_alone(clock: FakeClock) -> None:
    assert end_of_testing(clock.now(), 60, ("openid", EMAIL)) is None
    assert end_of_testing(clock.now(), 60, (EMAIL, SEND)) == clock.now() + timedelta(seconds=60)


def test_the_nearest_condition_is_met(world: World) -> None:
    world.apply(Control.THROTTLE, EVERYWHERE, {"retry_after_s": 1})
    world.apply(Control.THROTTLE, "google", {"retry_after_s": 2})
    world.apply(Control.THROTTLE, ANA, {"retry_after_s": 3})

    def met(provider: Provider, address: str | None) -> int:
        found = world.find(Control.THROTTLE, provider, world.mailbox(address), Door.TOKEN)
        assert found is not None
        return int(found.params["retry_after_s"])

    assert met(Provider.GOOGLE, ANA) == 3
    assert met(Provider.GOOGLE, BEN) == met(Provider.GOOGLE, None) == 2
    assert met(Provider.OTHER, GINA) == 1


def test_a_condition_is_met_at_its_doors_only(world: World) -> None:
    world.apply(Control.SERVER_TROUBLE, ANA, {"where": [Door.API]})
    ana = box(world, ANA)
    assert world.find(Control.SERVER_TROUBLE, Provider.GOOGLE, ana, Door.TOKEN) is None
    assert world.find(Control.SERVER_TROUBLE, Provider.GOOGLE, ana, Door.API) is not None


def test_network_trouble_spares_the_pages_people_look_at() -> None:
    for control, row in CONTROLS.items():
        assert Door.PAGE not in row.params.get("where", ()), control


def test_a_condition_with_times_is_used_up(world: World, tmp_path: Path, clock: FakeClock) -> None:
    told: list[Control] = []
    world.listen(told.append)
    world.apply(Control.PORTAL, ANA, times=2)
    ana = box(world, ANA)
    find = (Control.PORTAL, Provider.GOOGLE, ana, Door.TOKEN)
    assert world.find(*find, strike=False) is not None
    assert world.find(*find) is not None
    assert again(world, tmp_path, clock).conditions()[0].times == 1
    assert world.find(*find) is not None
    assert world.find(*find) is None and world.conditions() == []
    assert told == [Control.PORTAL]


def test_clearing(world: World) -> None:
    world.apply(Control.PORTAL, ANA)
    world.apply(Control.PORTAL, BEN)
    world.apply(Control.OFFLINE, EVERYWHERE)
    told: list[Control] = []
    world.listen(told.append)
    world.clear(Control.PORTAL, ANA)
    world.clear(Control.PORTAL, ANA)
    assert [each.target for each in world.conditions()] == [BEN, EVERYWHERE]
    world.clear_all(BEN)
    world.clear_all()
    assert world.conditions() == [] and told == [Control.PORTAL, Control.PORTAL, Control.OFFLINE]


@pytest.mark.parametrize(
    ("control", "target", "params", "words"),
    [
        (Control.REMOVE_ACCESS, "google", {}, "cannot be aimed at google"),
        (Control.REMOVE_ACCESS, EVERYWHERE, {}, "cannot be aimed at"),
        (Control.REMOVE_ACCESS, GINA, {}, "is not for other"),
        (Control.REMOVE_ACCESS, "nobody@harbor.example", {}, "No mailbox"),
        (Control.OFFLINE, ANA, {}, "cannot be aimed at"),
        (Control.SMTP_AUTH_OFF, ANA, {}, "is not for google"),
        (Control.THROTTLE, ANA, {"wrong": 1}, "has no wrong"),
        (Control.ORG_INTERNAL, "microsoft", {}, "is not for microsoft"),
    ],
)
def test_what_makes_no_sense_is_refused(
    world: World, control: Control, target: str, params: dict[str, int], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        world.apply(control, target, params)
    assert world.conditions() == []


@pytest.mark.parametrize("control", Control)
def test_every_control_has_words_and_can_be_applied(world: World, control: Control) -> None:
    row = CONTROLS[control]
    assert row.label and row.explanation.endswith(".") and row.levels and row.providers
    targets = {Level.MAILBOX: {p: world.mailboxes(p)[0].address for p in Provider}}
    for level in row.levels:
        for provider in row.providers:
            target = targets[level][provider] if level is Level.MAILBOX else provider.value
            world.apply(control, EVERYWHERE if level is Level.WORLD else target)
    assert bool(world.conditions()) is row.lasting
