"""What one check, sign-in or send told us, in our own words."""

from dataclasses import dataclass

from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.states import OutcomeKind


@dataclass(frozen=True, slots=True)
class Outcome:
    """The translated answer of a provider.

    `cause` is None only for a plain proof. `provider_error` is the provider's own text, cut and cleared
    of secrets; `retry_after_s` the wait it asked for, in seconds; `claims` a Conditional Access claims
    challenge to hand to the next sign-in.
    """

    cause: Cause | None = None
    provider_error: str | None = None
    retry_after_s: float | None = None
    claims: str | None = None

    @property
    def kind(self) -> OutcomeKind:
        """The kind, which follows from the cause."""
        return OutcomeKind.OK if self.cause is None else CAUSES[self.cause].kind

    @property
    def proves(self) -> bool:
        """Whether the provider proved the grant."""
        return self.kind in (OutcomeKind.OK, OutcomeKind.WARNING)


PROVEN = Outcome()
"""The provider proved the grant and nothing is to be said."""
