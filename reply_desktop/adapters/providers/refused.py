"""How a provider's refusal ends what an adapter is doing, from however deep inside."""

from reply_desktop.domain.outcome import Outcome


class Refused(Exception):
    """The answer ends the conversation; what it means is the `outcome`."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome.cause))
        self.outcome = outcome
