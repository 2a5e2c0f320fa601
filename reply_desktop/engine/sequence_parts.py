"""Builds the rooms of sequences. Heavy libraries are loaded when first needed, not here."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reply_desktop.adapters import csv_file
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Step
from reply_desktop.domain.sequence_rows import Rendered
from reply_desktop.services.accounts import AccountDesk
from reply_desktop.services.bus import Bus
from reply_desktop.services.forecasts import Forecasts
from reply_desktop.services.health import Health
from reply_desktop.services.imports import Imports
from reply_desktop.services.ports import Chance, Clock, MailProvider, Store, Tasks
from reply_desktop.services.prospects import ProspectDesk
from reply_desktop.services.removals import Removals
from reply_desktop.services.sequence_exports import SequenceExports
from reply_desktop.services.sequence_feed import SequenceFeed
from reply_desktop.services.sequence_ports import Composed, Composer
from reply_desktop.services.sequences import SequenceDesk
from reply_desktop.services.step_desk import StepDesk
from reply_desktop.services.suppressions import SuppressionDesk


class LazyComposer:
    """A Composer whose template engine is loaded with the first step it sees."""

    @functools.cached_property
    def _content(self) -> Composer:
        from reply_desktop.adapters.content import Content

        return Content()

    def fields_of(self, step: Step) -> tuple[str, ...]:
        """As `Composer.fields_of`."""
        return self._content.fields_of(step)

    def render(self, step: Step, prospect: Prospect, **how: Any) -> Rendered:
        """As `Composer.render`."""
        return self._content.render(step, prospect, **how)

    def compose(self, rendered: Rendered, **how: Any) -> Composed:
        """As `Composer.compose`."""
        return self._content.compose(rendered, **how)


@dataclass
class SequenceParts:
    """The rooms of sequences. `on_change()` is called when a command may have changed when mail can leave."""

    desk: SequenceDesk
    prospects: ProspectDesk
    suppressions: SuppressionDesk
    steps: StepDesk
    forecasts: Forecasts
    exports: SequenceExports
    imports: Imports
    removals: Removals
    on_change: Callable[[], None]


def build_sequences(
    store: Store,
    feed: SequenceFeed,
    composer: Composer,
    providers: Mapping[Provider, MailProvider],
    accounts: AccountDesk,
    health: Health,
    bus: Bus,
    clock: Clock,
    chance: Chance,
    tasks: Tasks,
    new_id: Callable[[], str],
) -> SequenceParts:
    """The rooms of sequences on these adapters and services."""

    def wake() -> None:
        parts.on_change()

    parts = SequenceParts(
        SequenceDesk(store, feed, composer, providers, bus, clock, chance, new_id, health.submit, wake),
        ProspectDesk(store, feed, composer, clock, wake),
        SuppressionDesk(store, feed, clock),
        StepDesk(store, composer, accounts.send_own, clock, new_id),
        Forecasts(store, clock),
        SequenceExports(store, csv_file.write_rows),
        Imports(store, csv_file, feed, bus, clock, tasks, new_id, wake),
        Removals(store, tasks),
        on_change=lambda: None,
    )
    bus.listen(parts.removals.on_event)
    return parts
