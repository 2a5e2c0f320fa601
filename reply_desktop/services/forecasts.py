"""Gathers what the forecast needs of the store; what it comes to is `domain.forecast`'s."""

from datetime import timedelta
from typing import Final

from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.forecast import Due, SendingAccount, SendingSequence, forecast
from reply_desktop.domain.pacing import DAY_S
from reply_desktop.domain.sequence_rows import Forecast
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.services.ports import Clock, Store

MAX_HOURS: Final = 14 * 24


class Forecasts:
    """What the next hours bring."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, sequence_id: str | None = None, hours: int = 24) -> Forecast:
        """For one sequence as if it had its accounts to itself, or for all that are on.

        Raises NotFound, and InvalidInput for a span out of 1 hour to 14 days.
        """
        if not 1 <= hours <= MAX_HOURS:
            raise InvalidInput(f"A forecast of {hours} hours cannot be made.", f"Use 1 to {MAX_HOURS}.")
        now = self._clock.now()
        since = now - timedelta(seconds=DAY_S)
        with self._store.read() as unit:
            sequences = unit.sequences.on()
            if sequence_id is not None:
                chosen = unit.sequences.get(sequence_id)
                if chosen is None:
                    raise NotFound("That sequence is not there any more.", "See the list of sequences.")
                sequences = [chosen]
            ids = dict.fromkeys(account_id for one in sequences for account_id in one.accounts)
            stored = [account for one in ids if (account := unit.accounts.get(one)) is not None]
            accounts = [
                SendingAccount(
                    one.id,
                    one.address,
                    one.state in CAN_SEND,
                    one.daily_limit,
                    unit.paces.get(one.id),
                    unit.touches.counted_times(one.id, since, one.daily_limit),
                )
                for one in stored
            ]
            sending = []
            for one in sequences:
                limit = one.daily_limit
                counted = (
                    {
                        account_id: unit.touches.counted_times(account_id, since, limit, one.id)
                        for account_id in one.accounts
                    }
                    if limit is not None
                    else {}
                )
                sending.append(SendingSequence(one, counted))
        counts = self._store.reads.sequences.due_counts(sequence_id, now + timedelta(hours=hours))
        dues = [Due(one.sequence_id, one.account_id, one.at, one.count) for one in counts]
        return forecast(dues, sending, accounts, now, hours)
