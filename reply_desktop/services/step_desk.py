"""Shows a step as a prospect would get it, and sends it so to the person."""

from collections.abc import Callable
from typing import Final

from reply_desktop.domain.enrollment import Enrollment, Thread
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.sequence import Sequence, Step
from reply_desktop.domain.sequence_rows import Rendered
from reply_desktop.services.ports import Clock, SendResult, Store, UnitOfWork
from reply_desktop.services.sequence_ports import Composer

EXAMPLE: Final = "prospect@example.com"
"""Whom an example is written to (RFC 2606)."""
_SENDER: Final = "you@example.com"

SendOwn = Callable[[str, str | None, Callable[[str, str], bytes]], SendResult]
"""(account, to or None for itself, compose(sender, to)) → what became of it; `AccountDesk.send_own`."""


class StepDesk:
    """Previews and test messages of steps, saved or not."""

    def __init__(
        self, store: Store, composer: Composer, send: SendOwn, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._composer = composer
        self._send = send
        self._clock = clock
        self._new_id = new_id

    def preview(self, sequence: Sequence, number: int, enrollment_id: str | None) -> Rendered:
        """The step with this number for this prospect, None: an example; what is wrong is in `problems`.

        Raises NotFound when prospect or step are not there.
        """
        return self._render(sequence, number, enrollment_id, None)

    def test(
        self, sequence: Sequence, number: int, account: str, to: str | None, enrollment_id: str | None
    ) -> SendResult:
        """Send the step, as the prospect would get it, from `account` to `to` (None: to itself).

        Raises InvalidInput when the step has problems, the address is none, or the account sends nothing.
        """

        def compose(sender: str, target: str) -> bytes:
            rendered = self._render(sequence, number, enrollment_id, sender)
            if rendered.problems:
                raise InvalidInput(rendered.problems[0], "Mend the step, or choose another prospect.")
            # No List-Unsubscribe: it would take the person's own address off the list.
            return self._composer.compose(
                rendered,
                sender=sender,
                sender_name=sequence.sender_name,
                recipient=target,
                now=self._clock.now(),
                marker=self._new_id(),
                thread=Thread(),
                unsubscribe=False,
            ).mime

        return self._send(account, to, compose)

    def _render(
        self, sequence: Sequence, number: int, enrollment_id: str | None, sender: str | None
    ) -> Rendered:
        step = next((one for one in sequence.steps if one.number == number), None)
        if step is None:
            raise NotFound(f"The sequence has no step {number}.", "Choose one that is there.")
        account_id = sequence.accounts[0] if sequence.accounts else None
        thread = Thread()
        with self._store.read() as unit:
            if enrollment_id is None:
                prospect = self._example(sequence, step)
            else:
                enrollment, prospect = _known(unit, enrollment_id)
                thread = enrollment.thread
                account_id = enrollment.account_id or account_id
            account = unit.accounts.get(account_id) if account_id else None
        sender = sender or (account.address if account else _SENDER)

        def rendered(one: Step, thread: Thread) -> Rendered:
            return self._composer.render(
                one, prospect, sender=sender, sender_name=sequence.sender_name, thread=thread
            )

        if not step.subject.strip() and not thread.subject:
            # Nothing was sent yet: the thread will have the subject of the step that begins it.
            opening = [one for one in sequence.steps if one.number < number and one.subject.strip()]
            if opening:
                thread = Thread(subject=rendered(opening[-1], thread).subject)
        return rendered(step, thread)

    def _example(self, sequence: Sequence, step: Step) -> Prospect:
        known = self._store.reads.sequences.fields(sequence.id) if sequence.id else []
        try:
            names = known or self._composer.fields_of(step)
        except InvalidInput:
            # What is wrong with the template is told by rendering it.
            names = ()
        fields = {name: name.replace("_", " ").capitalize() for name in names}
        return Prospect("", EXAMPLE, self._clock.now(), fields)


def _known(unit: UnitOfWork, enrollment_id: str) -> tuple[Enrollment, Prospect]:
    enrollment = unit.enrollments.get(enrollment_id)
    prospect = unit.prospects.get(enrollment.prospect_id) if enrollment else None
    if enrollment is None or prospect is None:
        raise NotFound("That prospect is not there any more.", "Choose another.")
    return enrollment, prospect
