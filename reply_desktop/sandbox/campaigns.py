"""The sequences a new sandbox begins with, and the invented people they are for."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final
from unicodedata import normalize

from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence, Step
from reply_desktop.domain.window import SendingWindow

DAILY_LIMIT: Final = 300
"""What the accounts may send a day, so that the sequences are seen to their end."""

_NEVER: Final = datetime.fromtimestamp(0, UTC)
_ALWAYS: Final = SendingWindow(days=(1, 2, 3, 4, 5, 6, 7), opens=time(0), closes=time(0))
_GAP_S: Final = (4.0, 8.0)

_FIRST_NAMES: Final = (
    "Mara", "Tomás", "Ingrid", "Kwame", "Leïla", "Pavel", "Noor", "Jürgen", "Siân", "Rafael", "Yuki", "Anouk",
)  # fmt: skip
_LAST_NAMES: Final = (
    "Vale", "Okonkwo", "Lindqvist", "Moreau", "Tanaka", "Brandt", "Silva", "Novotná", "Keane", "Haddad",
)  # fmt: skip
_COMPANIES: Final = (
    "Juniper Mills", "Northwind Bakery", "Blue Fern Studio", "Copper & Pine", "Halden Boats", "Studio Osten",
    "Marrow Farms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Campaign:
    """One sequence of the sandbox: which providers' first mailboxes send it, and to how many people."""

    name: str
    file: str
    providers: tuple[Provider, ...]
    people: int
    first_person: int
    steps: tuple[tuple[float, str, str], ...]

    def sequence(self, accounts: tuple[str, ...]) -> Sequence:
        """The sequence from these accounts (ids), as it is asked to be made."""
        steps = tuple(
            Step("", number, after_s, subject, body)
            for number, (after_s, subject, body) in enumerate(self.steps, 1)
        )
        # The engine gives it its id, and its own time.
        return Sequence("", self.name, _NEVER, accounts=accounts, steps=steps, window=_ALWAYS, gap_s=_GAP_S)

    def csv(self) -> str:
        """Its people as a CSV file."""
        text = io.StringIO(newline="")
        rows = csv.writer(text)
        rows.writerow(("email", "first name", "last name", "company"))
        for number in range(self.first_person, self.first_person + self.people):
            first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
            last = _LAST_NAMES[number % len(_LAST_NAMES)]
            company = _COMPANIES[number % len(_COMPANIES)]
            rows.writerow((f"{_plain(first)}.{_plain(last)}@{_plain(company)}.example", first, last, company))
        return text.getvalue()


CAMPAIGNS: Final = (
    Campaign(
        "Spring outreach",
        "spring-outreach.csv",
        (Provider.GOOGLE, Provider.MICROSOFT),
        36,
        1,
        (
            (
                0.0,
                "A question about {{ company }}",
                "Hello {{ first_name }},\n\nhow does {{ company }} plan its spring season?\n\n{{ sender }}\n",
            ),
            (
                120.0,
                "",
                "Hello {{ first_name }},\n\ndid my question about {{ company }} reach you?\n\n{{ sender }}\n",
            ),
            (
                180.0,
                "",
                "Hello {{ first_name }},\n\nthis is my last note; I will not write again.\n\n{{ sender }}\n",
            ),
        ),
    ),
    Campaign(
        "Partner follow-up",
        "partner-follow-up.csv",
        (Provider.GOOGLE,),
        24,
        101,
        (
            (
                0.0,
                "{{ company }} and us",
                "Dear {{ first_name }} {{ last_name }},\n\nit was good to meet you.\n\n{{ sender }}\n",
            ),
            (
                120.0,
                "",
                "Dear {{ first_name }},\n\nhere is the summary for {{ company }}.\n\n{{ sender }}\n",
            ),
            (240.0, "", "Dear {{ first_name }},\n\nshall we talk next week?\n\n{{ sender }}\n"),
        ),
    ),
)
"""Two that share the first Google mailbox: without its access the first goes on, the second cannot."""


def _plain(name: str) -> str:
    return "".join(c for c in normalize("NFKD", name).lower() if c.isascii() and c.isalpha())
