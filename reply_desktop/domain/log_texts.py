"""What Log tabs say, in words: each function makes one entry. Pure; times are aware UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause, words
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.notification import plain, plain_sentence, provider_name
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.states import State

NAMED: Final = 3
"""How many accounts are named before the others are counted."""

LINE_BROKE: Final = "the connection was lost while it was being sent"
APP_ENDED: Final = "the app ended while it was being sent"
OWN_FAULT: Final = "a fault of the app's own kept the answer to it from being written"
"""Why it is not known what became of a mail."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The accounts of a sequence that can send: the first NAMED addresses, and how many there are in all."""

    addresses: tuple[str, ...]
    count: int


def account_out(sequence_id: str, account: Account, rest: Rest, key: str | None, now: datetime) -> LogEntry:
    """An account the sequence sends from cannot send any more. `rest`: those that can."""
    text = f"{account.address} cannot send: {_why(account)} {_goes_on(rest)}"
    return LogEntry(now, sequence_id, LogKind.ACCOUNT_OUT, text, account.address, key=key)


def account_back(sequence_id: str, account: Account, key: str | None, now: datetime) -> LogEntry:
    """An account that was out can send again."""
    text = f"{account.address} can send again; mail that waited for it leaves one after the other."
    return LogEntry(now, sequence_id, LogKind.ACCOUNT_BACK, text, account.address, key=key)


def account_removed(
    sequence: MailSequence, account: Account, rest: Rest, moves: bool, now: datetime
) -> LogEntry:
    """An account of the sequence was removed from the app. `moves`: whether its prospects go to the rest."""
    stay = (
        "Its prospects go on from the rest."
        if moves and rest.count
        else "Prospects that had mail from it get no more: let the sequence move them, or stop them."
    )
    text = f"{account.address} was removed. {stay} {_goes_on(rest)}"
    return LogEntry(now, sequence.id, LogKind.ACCOUNT_REMOVED, text, account.address)


def moved(sequence_id: str, address: str, count: int, key: str | None, now: datetime) -> LogEntry:
    """Stranded prospects of an account go on from others."""
    text = f"{_many(count, 'prospect')} of {address} now {_verb(count, 'goes', 'go')} on from other accounts."
    return LogEntry(now, sequence_id, LogKind.MOVED, text, address, key=key)


def provider_limit(
    sequence: MailSequence, account: Account, error: str | None, until: datetime, now: datetime
) -> LogEntry:
    """The provider wants nothing more from this account for a while."""
    said = f" It said: “{plain(error, 200)}”." if error else ""
    text = (
        f"{provider_name(account)} takes no more mail from {account.address} for now; "
        f"it goes on at {sequence.window.wall(until)}.{said}"
    )
    return LogEntry(now, sequence.id, LogKind.PROVIDER_LIMIT, text, account.address)


def limit_reached(
    sequence: MailSequence, address: str, limit: int, until: datetime, now: datetime
) -> LogEntry:
    """The account has sent as much in 24 hours as it may."""
    again = sequence.window.wall(until)
    text = f"{address} has sent its {_many(limit, 'mail')} of 24 hours; it goes on at {again}."
    return LogEntry(now, sequence.id, LogKind.LIMIT_REACHED, text, address)


def repaced(sequence_id: str, late: int, until: datetime, account: str | None, now: datetime) -> LogEntry:
    """Late mail leaves spread over the time to come, never at once."""
    span = _span(until - now)
    text = f"{_many(late, 'late mail')} {_verb(late, 'leaves', 'leave')} over the next {span}."
    return LogEntry(now, sequence_id, LogKind.REPACED, text, account)


def clock_moved(sequence_id: str, by: timedelta, now: datetime) -> LogEntry:
    """The computer's clock did not go on as time did."""
    if by < timedelta(0):
        text = f"The computer's clock was set back by {_span(-by)}. Nothing is sent twice or all at once."
    else:
        text = (
            f"The computer slept or its clock was set ahead: {_span(by)} went by unseen. "
            "Late mail leaves one after the other."
        )
    return LogEntry(now, sequence_id, LogKind.CLOCK_MOVED, text)


def disk_full(sequence: MailSequence, since: datetime, now: datetime) -> LogEntry:
    """The disk was full and has room again."""
    at = sequence.window.wall(since)
    text = f"The disk was full at {at}: sending stopped, and goes on now that there is room."
    return LogEntry(now, sequence.id, LogKind.DISK_FULL, text)


def sent(sequence_id: str, step: int, account: str, prospect: str, key: str, now: datetime) -> LogEntry:
    """A step went out."""
    text = f"Step {step} was sent to {prospect} from {account}."
    return LogEntry(now, sequence_id, LogKind.SENT, text, account, prospect, key)


def deferred(
    sequence: MailSequence,
    step: int,
    account: Account,
    prospect: str,
    why: Cause | None,
    error: str | None,
    until: datetime | None,
    key: str,
    now: datetime,
) -> LogEntry:
    """A step was not sent this time, and is tried again."""
    again = f"It is tried again at {sequence.window.wall(until)}." if until else "It is tried again."
    text = f"Step {step} to {prospect} was not sent: {_reason(account, why, error)} {again}"
    return LogEntry(now, sequence.id, LogKind.DEFERRED, text, account.address, prospect, key)


def failed(
    sequence_id: str, step: int, account: str, prospect: str, why: str, key: str, now: datetime
) -> LogEntry:
    """A step will never be sent."""
    text = f"Step {step} to {prospect} cannot be sent: {plain_sentence(why)}"
    return LogEntry(now, sequence_id, LogKind.FAILED, text, account, prospect, key)


def bounced(
    sequence_id: str,
    account: str,
    prospect: str,
    said: str,
    key: str | None,
    now: datetime,
    *,
    hard: bool = True,
) -> LogEntry:
    """The mail came back. `hard`: for good, so the address is written to no more."""
    after = (
        "The address is on the suppression list now."
        if hard
        else "That may pass; the sequence goes on as planned."
    )
    because = f" ({plain(said, 200)})" if said else ""
    text = f"Mail to {prospect} came back{because}. {after}"
    return LogEntry(now, sequence_id, LogKind.BOUNCED, text, account, prospect, key)


def in_doubt(
    sequence_id: str,
    step: int,
    account: str,
    prospect: str,
    key: str,
    now: datetime,
    why: str = LINE_BROKE,
) -> LogEntry:
    """A step may or may not have gone out. `why`: LINE_BROKE, APP_ENDED or OWN_FAULT."""
    text = (
        f"It is not known whether step {step} reached {prospect}: {why}. Look into the Sent folder of "
        f"{account}, then mark it as sent or as not sent. Nothing more goes to {prospect} until then."
    )
    return LogEntry(now, sequence_id, LogKind.IN_DOUBT, text, account, prospect, key)


def doubt_settled(
    sequence_id: str, step: int, account: str, prospect: str, key: str, now: datetime
) -> LogEntry:
    """What was in doubt was found among the sent mail."""
    text = f"Step {step} to {prospect} was found among the sent mail of {account}: it was sent."
    return LogEntry(now, sequence_id, LogKind.DOUBT_SETTLED, text, account, prospect, key)


def suppressed(sequence_id: str, prospect: str, now: datetime) -> LogEntry:
    """A prospect is on the suppression list."""
    text = f"{prospect} is on the suppression list: nothing is sent to it."
    return LogEntry(now, sequence_id, LogKind.SUPPRESSED, text, None, prospect)


def started(sequence_id: str, now: datetime) -> LogEntry:
    """A scheduled sequence began by itself."""
    return LogEntry(now, sequence_id, LogKind.STARTED, "The sequence began to send.")


def finished(sequence_id: str, now: datetime) -> LogEntry:
    """Nothing is left to send."""
    return LogEntry(now, sequence_id, LogKind.FINISHED, "Every prospect is done: the sequence is finished.")


def replied(
    sequence_id: str, account: str, prospect: str, stops: bool, key: str | None, now: datetime
) -> LogEntry:
    """A prospect answered."""
    text = f"{prospect} replied." + (" Nothing more is sent to it." if stops else " The sequence goes on.")
    return LogEntry(now, sequence_id, LogKind.REPLIED, text, account, prospect, key)


def auto_replied(sequence_id: str, account: str, prospect: str, key: str | None, now: datetime) -> LogEntry:
    """A machine of a prospect answered."""
    text = f"{prospect} sent an automatic reply, such as an absence note. The sequence goes on."
    return LogEntry(now, sequence_id, LogKind.AUTO_REPLIED, text, account, prospect, key)


def unsubscribed(sequence_id: str, account: str, prospect: str, now: datetime) -> LogEntry:
    """A prospect wants no more mail."""
    text = f"{prospect} asked to get no more mail: no sequence writes to it any more."
    return LogEntry(now, sequence_id, LogKind.UNSUBSCRIBED, text, account, prospect)


def cannot_see_replies(sequence_id: str, blind: Sequence[str], now: datetime) -> LogEntry:
    """Some accounts cannot be read, so replies to them stop nothing."""
    text = (
        f"Replies and bounces to {_named(blind, len(blind))} are not seen: the app may not read "
        f"{_verb(len(blind), 'this mailbox', 'these mailboxes')}. "
        "Where Google or Outlook.com renames what is sent, follow-ups may also begin a new conversation. "
        "Allow reading under Settings of the sequence, or stop prospects who reply yourself."
    )
    return LogEntry(now, sequence_id, LogKind.CANNOT_SEE_REPLIES, text)


def _why(account: Account) -> str:
    if account.state is State.PAUSED:
        return "you paused it. Resume it in Settings → Email accounts."
    if account.cause is None:
        return "it is not signed in. Sign in to it in Settings → Email accounts."
    told = words(account.cause, account.address, provider_name(account))
    return f"{told.short}. {told.steps[0]}"


def _reason(account: Account, why: Cause | None, error: str | None) -> str:
    if error:
        return plain_sentence(error, 200)
    return (
        f"{words(why, account.address, provider_name(account)).short}."
        if why
        else "the provider did not take it."
    )


def _goes_on(rest: Rest) -> str:
    if not rest.count:
        return "No other account can send: the sequence stands still until one can."
    return f"Sending goes on from {_named(rest.addresses, rest.count)}."


def _named(addresses: Sequence[str], count: int) -> str:
    if count > NAMED:
        return f"{', '.join(addresses[:NAMED])} and {count - NAMED} more"
    return " and ".join([part for part in (", ".join(addresses[:-1]), addresses[-1]) if part])


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _verb(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _span(length: timedelta) -> str:
    minutes = max(1, round(length.total_seconds() / 60))
    if minutes < 90:
        return _many(minutes, "minute")
    hours = round(minutes / 60)
    return _many(hours, "hour") if hours < 48 else _many(round(hours / 24), "day")
