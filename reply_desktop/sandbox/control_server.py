"""The control API's server side: JSON over HTTP, for whoever holds the key from the sandbox's folder.

  GET /ping · GET /state · POST /controls · DELETE /controls · POST /clear · POST /mailboxes · GET /password
  GET /messages · GET /messages/{id} · POST /messages/{id}/{answer} · DELETE /messages · GET /visits
  POST /shutdown
`answer` is one of `control.Answered`: the recipient's answer is put into the sender's inbox.
`control.SandboxControl` is the client; errors are {"error": words} with status 400, 401 or 404.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import EVERYWHERE, Answered, Control, SinkMessage, Visit
from reply_desktop.sandbox.letters import Letters
from reply_desktop.sandbox.prospects import addressee, answer_of
from reply_desktop.sandbox.serve import Answer, Request
from reply_desktop.sandbox.sink import Sink
from reply_desktop.sandbox.visits import Visits
from reply_desktop.sandbox.world import Kind, World, condition_fields

_LONGEST_WAIT_S = 300.0
_ANSWER = re.compile(r"/messages/(\d{1,9})/([a-z_]+)")


class ControlServer:
    """Answers the control API. `settle` waits until what was applied is in force on the network."""

    def __init__(
        self,
        key: str,
        world: World,
        sink: Sink,
        letters: Letters,
        visits: Visits,
        settle: Callable[[], Awaitable[None]],
        stop: Callable[[], None],
    ) -> None:
        self._key = key
        self._world = world
        self._sink = sink
        self._letters = letters
        self._visits = visits
        self._settle = settle
        self._stop = stop
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Any]]] = {
            ("GET", "/ping"): self._ping,
            ("GET", "/state"): self._state,
            ("POST", "/controls"): self._apply,
            ("DELETE", "/controls"): self._clear,
            ("POST", "/clear"): self._clear_all,
            ("POST", "/mailboxes"): self._add_mailbox,
            ("GET", "/password"): self._password,
            ("GET", "/messages"): self._messages,
            ("DELETE", "/messages"): self._forget,
            ("GET", "/visits"): self._list_visits,
            ("POST", "/shutdown"): self._shutdown,
        }

    async def handle(self, request: Request) -> Answer:
        """One request."""
        given = request.header("authorization").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return _json(401, {"error": "The key is missing or wrong."})
        if request.method == "GET" and request.path.startswith("/messages/"):
            number = request.path.removeprefix("/messages/")
            raw = self._sink.raw(int(number)) if number.isdecimal() else None
            if raw is None:
                return _json(404, {"error": "There is no such message."})
            return 200, [(b"content-type", b"message/rfc822")], raw
        route = self._routes.get((request.method, request.path))
        answered = _ANSWER.fullmatch(request.path) if request.method == "POST" else None
        if route is None and answered is None:
            return _json(404, {"error": "There is no such thing here."})
        try:
            asked: dict[str, Any] = {key: values[0] for key, values in parse_qs(request.query).items()}
            asked |= json.loads(request.body) if request.body else {}
            if answered is not None:
                return self._answer(int(answered[1]), Answered(answered[2]), str(asked.get("text", "")))
            assert route is not None
            return _json(200, await route(asked) or {})
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"error": str(error)})

    def _answer(self, number: int, kind: Answered, text: str) -> Answer:
        mail, raw = self._sink.messages.get(number), self._sink.raw(number)
        if mail is None or raw is None:
            return _json(404, {"error": "There is no such message."})
        known = self._world.mailbox(addressee(kind, mail, raw))
        answer = answer_of(kind, mail, raw, self._world.now(), text)
        self._letters.deliver(known.address if known else mail.account, answer)
        return _json(200, {})

    async def _ping(self, asked: dict[str, Any]) -> None:
        """Nothing to do: it answers."""

    async def _state(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "mailboxes": [
                {
                    "address": each.address,
                    "provider": each.provider,
                    "name": each.name,
                    "kind": each.kind,
                    "grants": len(self._world.live_grants(each.address)),
                }
                for each in self._world.mailboxes()
            ],
            "conditions": [
                dict(
                    zip(
                        ("control", "target", "since", "params", "times"), condition_fields(each), strict=True
                    ),
                    params=dict(each.params),
                )
                for each in self._world.conditions()
            ],
            "messages": len(self._sink.messages),
            "visits": self._visits.list.last,
        }

    async def _apply(self, asked: dict[str, Any]) -> None:
        times = asked.get("times")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ValueError("times must be 1 or more")
        self._world.apply(
            Control(asked["control"]), asked.get("target", EVERYWHERE), asked.get("params"), times
        )
        await self._settle()

    async def _clear(self, asked: dict[str, Any]) -> None:
        self._world.clear(Control(asked["control"]), asked.get("target", EVERYWHERE))
        await self._settle()

    async def _clear_all(self, asked: dict[str, Any]) -> None:
        self._world.clear_all(asked.get("target"))
        await self._settle()

    async def _add_mailbox(self, asked: dict[str, Any]) -> None:
        self._world.add_mailbox(
            Provider(asked["provider"]),
            asked["address"],
            name=asked.get("name", ""),
            kind=Kind(asked.get("kind", Kind.WORK)),
        )

    async def _password(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"password": self._world.password(asked["address"])}

    async def _messages(self, asked: dict[str, Any]) -> dict[str, Any]:
        account = asked.get("account")

        def fits(each: SinkMessage) -> bool:
            return account in (None, each.account)

        after, count, wait_s = _window(asked)
        return {"rows": [asdict(each) for each in await self._sink.messages.wait(after, fits, count, wait_s)]}

    async def _forget(self, asked: dict[str, Any]) -> None:
        self._sink.clear()

    async def _list_visits(self, asked: dict[str, Any]) -> dict[str, Any]:
        mailbox, door = asked.get("mailbox"), asked.get("door")

        def fits(each: Visit) -> bool:
            return mailbox in (None, each.mailbox) and door in (None, each.door)

        after, count, wait_s = _window(asked)
        return {"rows": [asdict(each) for each in await self._visits.list.wait(after, fits, count, wait_s)]}

    async def _shutdown(self, asked: dict[str, Any]) -> None:
        self._stop()


def _window(asked: dict[str, Any]) -> tuple[int, int, float]:
    wait_s = min(float(asked.get("wait_s", 0)), _LONGEST_WAIT_S)
    return int(asked.get("after", 0)), int(asked.get("count", 1)), wait_s


def _json(status: int, body: object) -> Answer:
    content = json.dumps(
        body, default=lambda value: value.isoformat() if isinstance(value, datetime) else str(value)
    )
    return status, [(b"content-type", b"application/json"), (b"cache-control", b"no-store")], content.encode()
