"""Somebody at the browser: opens a sign-in link, chooses a mailbox, answers the page, follows the redirect.

Used by seeding, tests and journeys without a screen. As a command it can be the browser itself:
    BROWSER="python -m reply_desktop.sandbox.person --mailbox ana@harbor.example %s"
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

TIMEOUT_S = 30.0
"""How long a page may take, in seconds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the person saw in the end.

    `redirected`: the browser was sent back to the app. `error`: the code on the provider's page or in the
    redirect, empty when all went well. `status` and `text` are the last page's. `location` is where the
    browser was sent; it may hold a code, so it is kept out of `repr`.
    """

    redirected: bool
    error: str
    status: int
    text: str = field(repr=False)
    location: str = field(default="", repr=False)


class NotOnThePage(Exception):
    """The page does not offer what the person was to choose."""


class Person:
    """A person with a browser. `ca_file`: an authority to trust for https pages."""

    def __init__(self, *, ca_file: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self._ca_file = ca_file
        self._timeout_s = timeout_s

    def consent(
        self,
        authorize_url: str,
        mailbox: str | None = None,
        *,
        allow: bool = True,
        untick: Sequence[str] = (),
        follow: bool = True,
    ) -> Seen:
        """Answer the consent page with this mailbox, or with the one preselected.

        `untick` names scopes to leave out (their ends will do, such as `gmail.send`). `follow` opens the
        address the browser is sent to, as browsers do. Raises NotOnThePage, and requests' errors when
        nobody answers.
        """
        import requests

        with requests.Session() as browser:
            browser.trust_env = False
            browser.headers["Accept"] = "text/html"
            browser.verify = self._ca_file or True
            page = browser.get(authorize_url, timeout=self._timeout_s, allow_redirects=False)
            if not page.is_redirect:
                form = _Form(page.text)
                if not form.found:
                    return Seen(False, form.error or str(page.status_code), page.status_code, form.text)
                answer = form.answer(mailbox, allow=allow, untick=untick)
                page = browser.post(
                    authorize_url, data=answer, timeout=self._timeout_s, allow_redirects=False
                )
            if not page.is_redirect:
                shown = _Form(page.text)
                return Seen(False, shown.error or str(page.status_code), page.status_code, shown.text)
            location = page.headers["Location"]
            error = parse_qs(urlsplit(location).query).get("error", [""])[0]
            if not follow:
                return Seen(True, error, page.status_code, "", location)
            last = browser.get(location, timeout=self._timeout_s)
            return Seen(True, error, last.status_code, _Form(last.text).text, location)


class _Form(HTMLParser):
    """What is on a page: the mailboxes and scopes to choose from, or the error, and all its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found = False
        self.error = ""
        self.text = ""
        self._mailboxes: dict[str, str] = {}
        self._chosen = ""
        self._scopes: list[str] = []
        self._in_error = False
        self._silent = False
        self.feed(page)
        self.text = " ".join(self.text.split())

    def answer(
        self, mailbox: str | None, *, allow: bool, untick: Sequence[str]
    ) -> dict[str, str | list[str]]:
        """The form's fields as the browser would send them."""
        if not allow:
            return {"action": "deny"}
        subject = self._mailboxes.get(mailbox.lower(), "") if mailbox else self._chosen
        if not subject:
            raise NotOnThePage(f"{mailbox or 'A preselected mailbox'} is not on the page")
        kept = [each for each in self._scopes if not each.endswith(tuple(untick) or ("\0",))]
        return {"action": "allow", "sub": subject, "granted": kept}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the fields of the form."""
        has = dict(attrs)
        if tag == "input" and has.get("name") == "sub":
            self.found = True
            self._mailboxes[has.get("data-address") or ""] = has.get("value") or ""
            if "checked" in has:
                self._chosen = has.get("value") or ""
        elif tag == "input" and has.get("name") == "granted" and "checked" in has:
            self._scopes.append(has.get("value") or "")
        self._in_error = has.get("id") == "error"
        self._silent = tag in ("style", "script", "title")

    def handle_endtag(self, tag: str) -> None:
        """Ends what the tag began."""
        self._in_error = self._silent = False

    def handle_data(self, data: str) -> None:
        """Gathers the text."""
        if self._in_error:
            self.error += data.strip()
        if not self._silent:
            self.text += data + " "


def main(arguments: Sequence[str] | None = None) -> int:
    """Be the browser for one link. Ends 0 when the browser was sent back without an error, else 1."""
    parser = argparse.ArgumentParser(prog="reply_desktop.sandbox.person", description=main.__doc__)
    parser.add_argument("--mailbox", help="the address to choose; without it, the one preselected")
    parser.add_argument("--deny", action="store_true", help="press Deny")
    parser.add_argument("--untick", action="append", default=[], help="a scope to leave out")
    parser.add_argument("--ca-file", help="an authority to trust for https pages")
    parser.add_argument("url")
    asked = parser.parse_args(arguments)
    seen = Person(ca_file=asked.ca_file).consent(
        asked.url, asked.mailbox, allow=not asked.deny, untick=asked.untick
    )
    sys.stdout.write(f"{seen.text}\n")
    return 0 if seen.redirected and not seen.error else 1


if __name__ == "__main__":
    raise SystemExit(main())
