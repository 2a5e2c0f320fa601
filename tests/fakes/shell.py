"""A shell for commands: a front that answers from a script, and what was printed."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TextIO

from reply_desktop.channel import messages as m
from reply_desktop.cli import parser
from reply_desktop.cli.commands import Commands
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.events import ConsentEnded, ImportProgress
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountDetail, AccountRow, AlertMailRow, ProviderRow
from tests.cli.test_shapes import AT

LINK = "https://accounts.example/auth?state=x"


@dataclass
class ScriptedFront:
    """Answers by request class; remembers what was asked."""

    answers: dict[type, Any] = field(default_factory=dict)
    rows: list[AccountRow] = field(default_factory=list)
    end: ConsentEnded | BaseException | None = None
    asked: list[Any] = field(default_factory=list)
    closed: bool = False
    import_ends: list[ImportProgress | BaseException] = field(default_factory=list)

    def ask(self, request: Any, timeout_s: float = 0) -> Any:
        self.asked.append(request)
        answer = self.answers.get(type(request))
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        match request:
            case m.ListAccounts():
                return m.AccountIndex(tuple(one.id for one in self.rows))
            case m.GetAccounts():
                return m.AccountRows(tuple(self.rows))
            case m.GetAccount():
                return AccountDetail(self.rows[0], (), AT, AT, None)
            case m.BeginConsent():
                return m.ConsentStarted("c1", LINK, AT)
            case m.GetAlertMail():
                return AlertMailRow("", None, None, 0, 0, 10)
            case m.ListProviders():
                return m.ProviderList(
                    (
                        ProviderRow(Provider.GOOGLE, True, "gid", None, None, True, 1),
                        ProviderRow(Provider.MICROSOFT, False, None, None, None, False, 0),
                        ProviderRow(Provider.OTHER, True, None, None, None, False, 0),
                    )
                )
        return m.Done()

    def check(self, accounts: tuple[str, ...], on_progress: Any) -> list[AccountRow]:
        self.asked.append(("check", accounts))
        on_progress(1, 1)
        return self.rows

    def consent_end(self, consent_id: str) -> ConsentEnded:
        end, self.end = self.end, ConsentEnded("c1", ConsentEnd.CANCELLED, None, "cancelled")
        if isinstance(end, BaseException):
            raise end
        assert end is not None
        return end

    def import_end(self, import_id: str, on_progress: Callable[[ImportProgress], None]) -> ImportProgress:
        on_progress(ImportProgress(import_id, 1, 2))
        end = self.import_ends.pop(0)
        if isinstance(end, BaseException):
            raise end
        return end

    def close(self) -> None:
        self.closed = True


class Shell:
    """Runs commands as a shell would."""

    def __init__(self) -> None:
        self.front = ScriptedFront()
        self.opened: list[str] = []
        self.stdin: TextIO = io.StringIO()
        self.start_error: Exception | None = None

    def __call__(self, *argv: str) -> int:
        self.out, self.err = io.StringIO(), io.StringIO()

        def make() -> Any:
            if self.start_error:
                raise self.start_error
            return self.front

        commands = Commands(
            make, self._open, lambda: AT + timedelta(minutes=3),
            out=self.out, err=self.err, stdin=self.stdin,
        )  # fmt: skip
        return commands.run(parser.build().parse_args(argv))

    def _open(self, url: str) -> bool:
        self.opened.append(url)
        return True

    @property
    def printed(self) -> str:
        return self.out.getvalue()

    @property
    def said(self) -> str:
        return self.err.getvalue()
