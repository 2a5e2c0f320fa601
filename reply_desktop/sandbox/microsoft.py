"""The stand-in for Microsoft: Entra sign-in and tokens, and Graph, over https on localhost.

Addresses (the real host in brackets; sources: learn.microsoft.com, "OAuth 2.0 authorization code flow",
"Reply URL restrictions", "Refresh tokens", Graph reference):
  /{tenant}/v2.0/.well-known/openid-configuration [login.microsoftonline.com]
  /{tenant}/oauth2/v2.0/authorize                  the consent page, plain http on 127.0.0.1 so that a
                                                   browser that does not know the sandbox's authority opens it
  /{tenant}/oauth2/v2.0/token, /{tenant}/discovery/v2.0/keys
  /v1.0/me, /v1.0/me/sendMail [graph.microsoft.com]
  /v1.0/me/mailFolders/{inbox|sentitems}/messages, /v1.0/me/messages/{id}/$value       for reading
  /connections [myapps.microsoft.com]              apps with access, and Remove access
Tenant: common, organizations, consumers, a tenant's id, or its domain. msal takes such an authority with
`instance_discovery=False` and a transport that trusts the sandbox's CA; it insists on https for the
authority and the token endpoint, not for the authorize endpoint; as a plain `authority` the issuer is not
compared, as `oidc_authority` it must share scheme and host, which it does.
Behaviour kept: the client is public and shows no secret; PKCE; every use of a refresh token brings a new
one and the old one stays good; all or nothing consent; one resource per access token; `scope` comes back
as it was asked, without offline_access; `client_info` and an ID token with oid, tid, preferred_username;
redirects are compared with the port of http://localhost left aside and the path not; removal of consent
answers 65001 (work) or 70000 (personal), a changed password 50173; access tokens outlive their grant;
errors as Entra writes them (`entra`). Graph's sendMail takes MIME as base64 text and answers 202; a personal
mailbox sends with a Message-ID of its own. Lists know the filters `receivedDateTime ge`, `sentDateTime ge`,
`internetMessageId eq` and the extended property of an unknown header; only received mail has
internetMessageHeaders.
"""

import base64
import binascii
import json
import re
import secrets
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any, ClassVar
from urllib.parse import urlencode

import flask
from werkzeug.wrappers import Response

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Condition, Control, Door
from reply_desktop.sandbox.entra import ENTRA, MFA_CLAIMS, entra_error
from reply_desktop.sandbox.letters import Letter
from reply_desktop.sandbox.oauth import (
    Code,
    PageRefusal,
    Permission,
    Refresh,
    Refusal,
    StandIn,
    loopback_redirect_fits,
)
from reply_desktop.sandbox.sink import head_of, header_of, with_header
from reply_desktop.sandbox.world import End, Grant, Kind, Mailbox

REGISTERED_REDIRECTS: tuple[str, ...] = ("http://localhost/microsoft",)
"""What the registration knows unless told otherwise; the port of http://localhost does not count."""

_RESERVED = ("openid", "profile", "email", "offline_access")
_GRAPH_HOSTS = (
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
)
_OUTLOOK_HOSTS = ("outlook.office.com", "outlook.office365.com", "outlook.office365.us", "partner.outlook.cn")
_WORDS = {
    "openid": "Sign you in",
    "profile": "See your basic profile",
    "email": "See your e-mail address",
    "offline_access": "Keep access to what you allow here",
    "graph/User.Read": "Sign you in and read your profile",
    "graph/Mail.Send": "Send mail as you",
    "graph/Mail.Read": "Read your mail",
    "graph/Mail.ReadBasic": "See the headers of your mail",
    "graph/Mail.ReadWrite": "Read, write and delete your mail",
    "outlook/SMTP.Send": "Send mail as you by SMTP",
    "outlook/IMAP.AccessAsUser.All": "Read and write your mail by IMAP",
}
_ACCESS, _REFRESH = "EwA", "1.AX"
_READING = {"graph/Mail.Read", "graph/Mail.ReadWrite"}
_SINCE = re.compile(r"(?:received|sent)DateTime ge (\S+)", re.IGNORECASE)
_BY_ID = re.compile(r"internetMessageId eq '((?:[^']|'')*)'", re.IGNORECASE)
_BY_HEADER = re.compile(
    r"singleValueExtendedProperties/any\(\s*(\w+):\s*\1/id eq "
    r"'String \{00020386-0000-0000-C000-000000000046\} Name ([\w-]+)' and \1/value eq '((?:[^']|'')*)'\)",
    re.IGNORECASE,
)


class Microsoft(StandIn):
    """Microsoft's servers. `base` is the https address, `page_base` the http one of the pages."""

    provider: ClassVar = Provider.MICROSOFT
    display_name: ClassVar = "Microsoft"
    can_untick: ClassVar = False
    base = ""
    page_base = ""

    def mount(self) -> None:
        rule = self.app.add_url_rule
        rule("/<tenant>/oauth2/v2.0/authorize", "authorize", self.authorize, methods=["GET", "POST"])
        for path, name, view, methods in (
            ("/<tenant>/v2.0/.well-known/openid-configuration", "discovery", self.discovery, ["GET"]),
            ("/<tenant>/discovery/v2.0/keys", "keys", self.keys, ["GET"]),
            ("/<tenant>/oauth2/v2.0/token", "token", self.token, ["POST"]),
            ("/v1.0/me", "me", self.me, ["GET"]),
            ("/v1.0/me/sendMail", "send", self.send, ["POST"]),
            ("/v1.0/me/mailFolders/<folder>/messages", "folder", self.folder, ["GET"]),
            ("/v1.0/me/messages/<message>/$value", "content", self.content, ["GET"]),
        ):
            rule(path, name, _over_tls(view), methods=methods)

    def issuer(self) -> str:
        return f"{self.base}/{self._tenant()}/v2.0"

    def fits_redirect(self, uri: str) -> bool:
        only = self.world.find(Control.REDIRECTS, self.provider)
        registered = only.params["uris"] if only else REGISTERED_REDIRECTS
        return loopback_redirect_fits(uri, registered, ("localhost",))

    def auth_methods(self) -> Sequence[str]:
        return ("none",)

    def page_refusal(self) -> PageRefusal | None:
        asked = flask.request.args
        client_id = self.world.clients[self.provider].client_id
        if not self._tenant_exists():
            return self._page(90002, f"Tenant '{self._tenant()}' not found.")
        if asked.get("client_id") != client_id or self.world.find(Control.CLIENT_DELETED, self.provider):
            return self._page(700016)
        if not self.fits_redirect(asked.get("redirect_uri", "")):
            return self._page(
                50011, "The redirect URI specified in the request is not registered for the app."
            )
        if asked.get("response_type") != "code" or not asked.get("scope"):
            return self._page(900144)
        return None

    def mailbox_refusal(self, mailbox: Mailbox) -> PageRefusal | None:
        code = self._barred(mailbox)
        return self._page(code) if code else None

    def permissions(self) -> list[Permission]:
        asked = self._normal(self._asked())
        # "Sign you in and read your profile" says it all.
        told = [each for each in asked if "graph/User.Read" not in asked or each not in _RESERVED[:3]]
        return [Permission(scope, _WORDS.get(scope, scope), True) for scope in told]

    def serves(self, mailbox: Mailbox) -> bool:
        match self._tenant():
            case "common":
                return True
            case "organizations":
                return mailbox.kind is Kind.WORK
            case "consumers":
                return mailbox.kind is Kind.PERSONAL
            case tenant:
                return tenant == mailbox.tenant or (mailbox.kind is Kind.WORK and tenant == mailbox.domain)

    def granted(self, mailbox: Mailbox) -> tuple[str, ...]:
        scopes = self._normal(self._asked())
        if less := self.world.find(Control.WITHHOLD_SCOPE, self.provider, mailbox):
            left_out = self._normal(" ".join(less.params["scopes"])) or [s for s in scopes if ".Send" in s]
            scopes = [each for each in scopes if each not in left_out]
        return tuple(scopes)

    def denied(self) -> dict[str, str]:
        _, body = entra_error(65004, self.world.now())
        return {"error": "access_denied", "error_description": body["error_description"]}

    def extra_redirect(self, mailbox: Mailbox) -> dict[str, str]:
        return {"session_state": str(uuid.uuid4())}

    def redeem(self, code: Code) -> dict[str, Any]:
        mailbox = self.world.mailbox(code.address)
        assert mailbox is not None
        self._check_mailbox(mailbox)
        grant = self.world.add_grant(mailbox, code.client_id, code.scopes)
        return self._tokens(grant, mailbox, flask.request.form.get("scope") or code.scope)

    def open_refresh(self, token: str) -> Refresh:
        grant = self._grant_in(_REFRESH, token)
        mailbox = self.world.mailbox(grant.address) if grant else None
        if grant is None or mailbox is None:
            raise self._refusal(9002313, "The refresh token is malformed.", error="invalid_grant")
        self._check_mailbox(mailbox)
        if grant.end is not None:
            raise self._ended(grant, mailbox)
        for control, code in ((Control.MFA_REQUIRED, 50076), (Control.SIGN_IN_FREQUENCY, 70043)):
            policy = self.world.find(control, self.provider, mailbox, strike=False)
            if policy and self._is_too_old(grant, policy):
                raise self._refusal(code, claims=MFA_CLAIMS if code == 50076 else "")
        if told := self.world.find(Control.ENTRA_ERROR, self.provider, mailbox):
            more = {key: str(told.params[key]) for key in ("error", "suberror", "claims")}
            raise self._refusal(int(told.params["code"]), **more)
        return Refresh(
            token=token,
            user_id=mailbox.subject,
            scope=" ".join(grant.scopes),
            expires_at=self.world.now(),
            client_id=grant.client_id,
            access_token="",
            grant=grant,
            mailbox=mailbox,
        )

    def _is_too_old(self, grant: Grant, policy: Condition) -> bool:
        every_s = float(policy.params.get("every_s", 0))
        if every_s > 0:
            return grant.consented_at + timedelta(seconds=every_s) <= self.world.now()
        return grant.consented_at < policy.since

    def refresh(self, token: Refresh, scope: str) -> dict[str, Any]:
        if not scope:
            raise self._refusal(90009)
        return self._tokens(token.grant, token.mailbox, scope)

    def bad_code(self, *, spent: bool) -> Refusal:
        if spent:
            return self._refusal(54005)
        return self._refusal(70008)

    def token_error(self, error: Any) -> Refusal:
        text = str(error.description or "")
        match error.error:
            case "invalid_client" if "client_secret" in flask.request.form:
                return self._refusal(700025)
            case "invalid_client":
                return self._refusal(700016)
            case "invalid_grant" if "redirect_uri" in text:
                return self._refusal(500112)
            case "invalid_grant" if "challenge" in text:
                return self._refusal(501481)
            case "invalid_request" | "unsupported_grant_type" | "invalid_grant":
                return self._refusal(900144 if "Missing" in text else 9002313)
        return self._refusal(9002313, text)

    def client_refusal(self) -> Refusal | None:
        if self.world.find(Control.CLIENT_DELETED, self.provider):
            return self._refusal(700016)
        if self.world.find(Control.NOT_PUBLIC, self.provider):
            return self._refusal(7000218)
        if self.world.find(Control.INVALID_CLIENT, self.provider):
            return self._refusal(7000215)
        if not self._tenant_exists():
            return self._refusal(90002)
        return None

    def mailbox_of_refresh(self, token: str) -> Mailbox | None:
        grant = self._grant_in(_REFRESH, token)
        return self.world.mailbox(grant.address) if grant else None

    def claims(self, mailbox: Mailbox, scopes: Sequence[str]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "iss": f"{self.base}/{mailbox.tenant}/v2.0",
            "sub": str(uuid.uuid5(uuid.UUID(mailbox.subject), self.world.clients[self.provider].client_id)),
            "oid": mailbox.subject,
            "tid": mailbox.tenant,
            "ver": "2.0",
        }
        if "profile" in scopes:
            told |= {"name": mailbox.name, "preferred_username": mailbox.address}
        if "email" in scopes:
            told["email"] = mailbox.address
        return told

    def throttled(self, door: Door) -> Refusal:
        if door is Door.API:
            return self._graph_refusal(
                429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit."
            )
        _, body = entra_error(
            90055, self.world.now(), text="The request is throttled.", error="temporarily_unavailable"
        )
        return Refusal(429, body)

    def discovery(self, tenant: str) -> Response:
        """GET openid-configuration of the tenant named in the address."""

        def work() -> Response:
            if not self._tenant_exists():
                raise self._refusal(90002, f"Tenant '{tenant}' not found.")
            known = tenant if tenant not in ("common", "organizations") else "{tenantid}"
            return flask.jsonify(
                {
                    "token_endpoint": f"{self.base}/{tenant}/oauth2/v2.0/token",
                    "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                    "jwks_uri": f"{self.base}/{tenant}/discovery/v2.0/keys",
                    "response_modes_supported": ["query"],
                    "subject_types_supported": ["pairwise"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "response_types_supported": ["code"],
                    "scopes_supported": list(_RESERVED),
                    "issuer": f"{self.base}/{known}/v2.0",
                    "authorization_endpoint": f"{self.page_base}/{tenant}/oauth2/v2.0/authorize",
                    "claims_supported": [
                        "sub",
                        "iss",
                        "aud",
                        "exp",
                        "iat",
                        "nonce",
                        "preferred_username",
                        "tid",
                    ],
                }
            )

        return self.through(Door.DISCOVERY, None, "discovery", work)

    def keys(self, tenant: str) -> Response:
        """GET keys: the public half of the ID token's key."""
        key = self.shared.signing_key
        return flask.jsonify(
            {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig"}]}
        )

    def me(self) -> Response:
        """GET /v1.0/me: who it is (User.Read)."""

        def work(grant: Grant, mailbox: Mailbox, scopes: Sequence[str]) -> Response:
            if "graph/User.Read" not in scopes:
                raise self._graph_refusal(403, "Authorization_RequestDenied", "Insufficient privileges.")
            first, _, last = mailbox.name.partition(" ")
            return flask.jsonify(
                {
                    "@odata.context": f"{self.base}/v1.0/$metadata#users/$entity",
                    "id": mailbox.subject,
                    "displayName": mailbox.name,
                    "givenName": first,
                    "surname": last,
                    "mail": mailbox.address,
                    "userPrincipalName": mailbox.address,
                }
            )

        return self._graph("graph me", work)

    def send(self) -> Response:
        """POST sendMail with the MIME message as base64 text/plain: 202 and nothing else."""
        return self._graph("graph send", self._send)

    def _send(self, grant: Grant, mailbox: Mailbox, scopes: Sequence[str]) -> Response:
        if "graph/Mail.Send" not in scopes:
            raise self._graph_refusal(
                403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."
            )
        self._check_mail(mailbox)
        if limit := self.world.find(Control.SENDING_LIMIT, self.provider, mailbox):
            refusal = self._graph_refusal(
                429, "ErrorExceededMessageLimit", "The user has exceeded the message limit."
            )
            refusal.headers["Retry-After"] = str(limit.params["retry_after_s"])
            raise refusal
        if not (flask.request.content_type or "").startswith("text/plain"):
            raise self._graph_refusal(
                400, "ErrorInvalidRequest", "The sandbox takes MIME content as text/plain only."
            )
        try:
            raw = base64.b64decode(flask.request.get_data(), validate=True)
        except (ValueError, binascii.Error):
            raise self._graph_refusal(
                400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."
            ) from None
        if parseaddr(header_of(raw, "From"))[1].lower() not in ("", mailbox.address):
            raise self._graph_refusal(
                403,
                "ErrorSendAsDenied",
                "The user account which was used to submit this request does not have "
                "the right to send mail on behalf of the specified sending account.",
            )
        if not header_of(raw, "To"):
            raise self._graph_refusal(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
        if mailbox.kind is Kind.PERSONAL:
            raw = with_header(raw, "Message-ID", f"<{secrets.token_hex(12).upper()}@PROD.OUTLOOK.COM>")
        self.shared.letters.send(mailbox.address, "graph", raw)
        return Response(b"", 202, headers={"request-id": str(uuid.uuid4())})

    def folder(self, folder: str) -> Response:
        """GET messages of Inbox or Sent Items: filtered, by time, in pages."""

        def work(grant: Grant, mailbox: Mailbox, scopes: Sequence[str]) -> Response:
            self._check_reading(mailbox, scopes)
            kinds = {"inbox": False, "sentitems": True}
            if folder.lower() not in kinds:
                raise self._graph_refusal(404, "ErrorItemNotFound", "The specified folder was not found.")
            return self._list(mailbox, sent=kinds[folder.lower()])

        return self._graph("graph list", work)

    def content(self, message: str) -> Response:
        """GET $value: the message's MIME content."""

        def work(grant: Grant, mailbox: Mailbox, scopes: Sequence[str]) -> Response:
            self._check_reading(mailbox, scopes)
            found = re.fullmatch(r"AAMk([SI])(\d{1,9})=", message)
            letter = found and self.shared.letters.find(mailbox.address, int(found[2]), sent=found[1] == "S")
            if letter is None:
                raise self._graph_refusal(
                    404, "ErrorItemNotFound", "The specified object was not found in the store."
                )
            return Response(self.shared.letters.raw(letter), content_type="text/plain")

        return self._graph("graph content", work)

    def _list(self, mailbox: Mailbox, *, sent: bool) -> Response:
        asked = flask.request.args
        found = [
            letter
            for letter in self.shared.letters.of(mailbox.address, sent=sent)
            if self._fits(letter, asked.get("$filter", ""))
        ]
        if "desc" in asked.get("$orderby", "desc").lower():
            found.reverse()
        start, size = int(asked.get("$skip", "0")), min(int(asked.get("$top", "10")), 1000)
        names = asked.get("$select", "").split(",")
        rows = [self._row(letter, names) for letter in found[start : start + size]]
        body: dict[str, Any] = {"@odata.context": f"{self.base}/v1.0/$metadata#messages", "value": rows}
        if start + size < len(found):
            query = {**asked.to_dict(), "$skip": str(start + size)}
            body["@odata.nextLink"] = f"{self.base}{flask.request.path}?{urlencode(query)}"
        return flask.jsonify(body)

    def _fits(self, letter: Letter, condition: str) -> bool:
        if not condition:
            return True
        if since := _SINCE.fullmatch(condition):
            return letter.mail.at.replace(microsecond=0) >= datetime.fromisoformat(since[1])
        if by_id := _BY_ID.fullmatch(condition):
            return letter.mail.message_id == by_id[1].replace("''", "'")
        if by_header := _BY_HEADER.fullmatch(condition):
            return header_of(self.shared.letters.raw(letter), by_header[2]) == by_header[3].replace("''", "'")
        raise self._graph_refusal(400, "ErrorInvalidUrlQueryFilter", "The query filter is not valid.")

    def _row(self, letter: Letter, names: Sequence[str]) -> dict[str, Any]:
        """A message as Graph gives it; headers only when asked for, and only of what came in."""
        mail, at = letter.mail, f"{letter.mail.at:%Y-%m-%dT%H:%M:%SZ}"
        row: dict[str, Any] = {
            "receivedDateTime": at,
            "sentDateTime": at,
            "subject": mail.subject,
            "from": {"emailAddress": {"name": "", "address": mail.sender}},
            "internetMessageId": mail.message_id,
            "conversationId": f"AAQk{mail.thread}=",
        }
        if "internetMessageHeaders" in names and not letter.sent:
            head = message_from_bytes(head_of(self.shared.letters.raw(letter)))
            row["internetMessageHeaders"] = [
                {"name": name, "value": str(value)} for name, value in head.items()
            ]
        kind = "S" if letter.sent else "I"
        chosen = {name: value for name, value in row.items() if names == [""] or name in names}
        return {"@odata.etag": f'W/"{mail.id}"', "id": f"AAMk{kind}{mail.id}=", **chosen}

    def _check_reading(self, mailbox: Mailbox, scopes: Sequence[str]) -> None:
        if _READING.isdisjoint(scopes):
            raise self._graph_refusal(
                403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."
            )
        self._check_mail(mailbox)

    def _check_mail(self, mailbox: Mailbox) -> None:
        if self.world.find(Control.MAIL_OFF, self.provider, mailbox):
            raise self._graph_refusal(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )

    def _graph(self, what: str, work: Callable[[Grant, Mailbox, Sequence[str]], Response]) -> Response:
        note = self.shared.seal.read(_ACCESS, self.bearer())
        grant = self.world.grant(note["g"]) if note else None
        mailbox = self.world.mailbox(grant.address) if grant else None

        def checked() -> Response:
            if note is None or grant is None or mailbox is None:
                raise self._graph_refusal(401, "InvalidAuthenticationToken", "CompactToken parsing failed.")
            if note["x"] <= self.world.now().timestamp():
                raise self._graph_refusal(
                    401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."
                )
            if note["r"] != "graph":
                raise self._graph_refusal(
                    401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience."
                )
            return work(grant, mailbox, note["s"])

        return self.through(Door.API, mailbox, what, checked)

    def _tokens(self, grant: Grant, mailbox: Mailbox, asked: str) -> dict[str, Any]:
        if not self.serves(mailbox):
            raise self._refusal(50020)
        wanted = [each for each in asked.split() if each not in _RESERVED]
        normal = self._normal(" ".join(wanted))
        if len({each.partition("/")[0] for each in normal}) > 1:
            raise self._refusal(28000)
        if any(each.startswith("/") for each in normal):
            raise self._refusal(70011)
        given = [each for each, name in zip(wanted, normal, strict=True) if name in grant.scopes]
        if wanted and not given:
            raise self._refusal(65001 if mailbox.kind is Kind.WORK else 70000)
        resource = normal[0].partition("/")[0] if normal else "graph"
        scopes = [each for each in grant.scopes if each.startswith(f"{resource}/")]
        reserved = [each for each in _RESERVED[:3] if each in grant.scopes]
        life = self.token_life_s()
        note = {"g": grant.id, "x": self.world.now().timestamp() + life, "r": resource, "s": scopes}
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join([*given, *reserved]),
            "expires_in": life,
            "ext_expires_in": life,
            "access_token": self.shared.seal.write(_ACCESS, note, 1_800),
        }
        if "offline_access" in grant.scopes:
            answer["refresh_token"] = self.shared.seal.write(_REFRESH, {"g": grant.id}, 1_150)
        if flask.request.form.get("client_info") == "1":
            known = json.dumps({"uid": mailbox.subject, "utid": mailbox.tenant}).encode()
            answer["client_info"] = base64.urlsafe_b64encode(known).rstrip(b"=").decode()
        return answer

    def _barred(self, mailbox: Mailbox) -> int:
        for control, code in (
            (Control.ACCOUNT_DISABLED, 50057),
            (Control.ADMIN_BLOCK, 53003),
            (Control.NOT_ASSIGNED, 50105),
            (Control.ADMIN_CONSENT, 90094),
        ):
            if self.world.find(control, self.provider, mailbox):
                return code
        return 0

    def _check_mailbox(self, mailbox: Mailbox) -> None:
        if code := self._barred(mailbox):
            raise self._refusal(code)

    def _ended(self, grant: Grant, mailbox: Mailbox) -> Refusal:
        match grant.end:
            case End.PASSWORD_CHANGED:
                issued = f"{grant.consented_at:%Y-%m-%dT%H:%M:%S}.0000000Z"
                return self._refusal(50173, f"{ENTRA[50173].text} The grant was issued on '{issued}'.")
            case End.UNUSED:
                return self._refusal(700082)
        return self._refusal(65001 if mailbox.kind is Kind.WORK else 70000)

    def _grant_in(self, prefix: str, token: str) -> Grant | None:
        note = self.shared.seal.read(prefix, token)
        return self.world.grant(note["g"]) if note else None

    def _refusal(
        self, code: int, text: str = "", *, error: str = "", suberror: str = "", claims: str = ""
    ) -> Refusal:
        asked_by = flask.request.headers.get("client-request-id", "")
        return Refusal(
            *entra_error(
                code, self.world.now(), asked_by, text=text, error=error, suberror=suberror, claims=claims
            )
        )

    def _page(self, code: int, text: str = "") -> PageRefusal:
        row = ENTRA.get(code)
        told = text or (row.text if row else "The request was refused.")
        return PageRefusal(f"AADSTS{code}", 400, "Sorry, but we're having trouble signing you in", told)

    def _graph_refusal(self, status: int, code: str, message: str) -> Refusal:
        inner = {
            "date": f"{self.world.now():%Y-%m-%dT%H:%M:%S}",
            "request-id": str(uuid.uuid4()),
            "client-request-id": flask.request.headers.get("client-request-id", str(uuid.uuid4())),
        }
        headers = {"WWW-Authenticate": 'Bearer realm=""'} if status == 401 else None
        return Refusal(status, {"error": {"code": code, "message": message, "innerError": inner}}, headers)

    def _asked(self) -> str:
        return flask.request.args.get("scope", "")

    def _normal(self, scopes: str) -> list[str]:
        return list(dict.fromkeys(self._normal_one(each) for each in scopes.split()))

    def _normal_one(self, scope: str) -> str:
        """`graph/Mail.Send` for every way to write it; a leading slash for a resource nobody knows."""
        if scope in _RESERVED:
            return scope
        if "://" not in scope:
            return f"graph/{scope}"
        host, _, name = scope.partition("://")[2].partition("/")
        own = self.base.partition("://")[2]
        if host in _GRAPH_HOSTS or host == own:
            return f"graph/{name.lstrip('/')}"
        return f"outlook/{name}" if host in _OUTLOOK_HOSTS else f"/{scope}"

    def _tenant_exists(self) -> bool:
        # Tenants are those of the mailboxes; the first three names need no search.
        known = self._tenant() in ("common", "organizations", "consumers")
        return known or any(map(self.serves, self.world.mailboxes(self.provider)))

    def _tenant(self) -> str:
        return str((flask.request.view_args or {}).get("tenant", "common")).lower()


def _over_tls(view: Callable[..., Response]) -> Callable[..., Response]:
    """The view, but not over plain http: only the pages are there."""

    def guarded(**values: str) -> Response:
        if flask.request.scheme != "https":
            flask.abort(404)
        return view(**values)

    return guarded
