"""Real and scripted mail servers on loopback, with certificates of a test authority."""

import contextlib
import grp
import logging
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from reply_desktop.domain.grant import MailServer, Security
from tests.harness.waiting import wait_until

HOST = "localhost"
DEADLINE_S = 10.0


class Authority:
    """A certificate authority of its own, a server certificate for `localhost`, and clients that trust it."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.cert = self.ca.issue_cert(HOST, "127.0.0.1")

    def server_context(self, cert: trustme.LeafCert | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (cert or self.cert).configure_cert(context)
        return context

    def client_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context


class Mailbox:
    """What aiosmtpd asks and tells: who may sign in, what to answer, what was received."""

    def __init__(self, user: str, password: str) -> None:
        self.user, self.password = user.encode(), password.encode()
        self.received: list[Envelope] = []
        self.tries: list[str] = []
        self.answer = "250 2.0.0 OK"
        self.refusal: str | None = None

    def let_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.tries.append(mechanism)
        assert isinstance(data, LoginPassword)
        if self.refusal is not None:
            return AuthResult(success=False, handled=False, message=self.refusal)
        good = (data.login, data.password) == (self.user, self.password)
        return AuthResult(success=good, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.received.append(envelope)
        return self.answer


class _Controller(Controller):
    """On a port that the system chose."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextlib.contextmanager
def smtp_server(
    authority: Authority, mailbox: Mailbox, security: Security, **options: Any
) -> Iterator[MailServer]:
    """A real SMTP server that asks for TLS and a password."""
    context = authority.server_context()
    options = {
        "hostname": "127.0.0.1",
        "port": 0,
        "authenticator": mailbox.let_in,
        "auth_required": True,
        "decode_data": False,
        "enable_SMTPUTF8": True,
        **options,
    }
    if security is Security.TLS:
        # aiosmtpd knows of STARTTLS only, and warns when it is to insist on a password without that.
        options |= {"ssl_context": context, "auth_require_tls": False, "auth_required": False}
    else:
        options |= {"tls_context": context, "require_starttls": True}
    controller = _Controller(mailbox, **options)
    log = logging.getLogger("mail.log")
    level = log.level
    # aiosmtpd warns of what itself does with a good password, and of clients that refuse its certificate.
    log.setLevel(logging.CRITICAL)
    controller.start()
    try:
        yield MailServer(HOST, controller.port, security)
    finally:
        controller.stop()
        log.setLevel(level)


Script = Callable[[socket.socket], object]


@contextlib.contextmanager
def scripted(script: Script, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that plays the script to every client, over TLS where a context is given; gives its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    clients: list[threading.Thread] = []
    lines: list[socket.socket] = []

    def play(client: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            if context is not None:
                client.settimeout(DEADLINE_S)
                client = context.wrap_socket(client, server_side=True)
                lines.append(client)
            script(client)
        client.close()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                lines.append(client)
                clients.append(threading.Thread(target=play, args=[client]))
                clients[-1].start()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for line in lines:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)
        thread.join()
        for each in clients:
            each.join()


ANY = "any line"


def dialogue(turns: Sequence[tuple[str, str]], then: Script | None = None) -> Script:
    """A script of (what a line of the client holds, what is answered to it).

    An empty expectation is a greeting; `{tag}` in an answer is the first word of the line before it, or of
    the one before that if the line was `ANY`.
    """

    def play(client: socket.socket) -> None:
        tag = ""
        with client.makefile("rb") as lines:
            for expected, answer in turns:
                if expected:
                    line = next((line for line in lines if expected == ANY or expected.encode() in line), b"")
                    if not line:
                        return
                    tag = tag if expected == ANY else line.decode("utf-8", "replace").split(" ")[0]
                client.sendall(answer.replace("{tag}", tag).encode())
            if then is not None:
                then(client)

    return play


CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0 secs
auth_username_chars =
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
}}
passdb {{
  {passdb}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
service auth {{
  user = {owner}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {secure}
    ssl = yes
  }}
}}
{oneself}
"""

AS_ONESELF = """
default_internal_user = {name}
default_internal_group = {group}
default_login_user = {name}
service imap-login {{
  chroot =
}}
service anvil {{
  chroot =
}}
"""
"""Root's Dovecot drops to the package's own users; anybody else's has only the one."""


@dataclass(frozen=True)
class Dovecot:
    """A running Dovecot. Each user has a Maildir of its own in `folder`."""

    tls: MailServer
    starttls: MailServer
    folder: Path

    def deliver(self, user: str, raw: bytes) -> None:
        """Put a message into a user's inbox, as a delivery agent does: whole, then in one step."""
        mail = self.folder / "mail"
        box = mail / user
        for each in (box, box / "tmp", box / "new", box / "cur"):
            each.mkdir(exist_ok=True)
            os.chown(each, mail.stat().st_uid, mail.stat().st_gid)
        seconds, rest_ns = divmod(time.time_ns(), 10**9)
        # Dovecot tells by these names in which order messages came.
        name = f"{seconds}.M{rest_ns // 1000:06}P{uuid.uuid4().int}.{HOST}"
        (box / "tmp" / name).write_bytes(raw)
        os.chown(box / "tmp" / name, mail.stat().st_uid, mail.stat().st_gid)
        (box / "tmp" / name).rename(box / "new" / name)

    def let_in(self, passwords: Mapping[str, str]) -> None:
        """From now on these users may sign in, with these passwords."""
        lines = [f"{user}:{{PLAIN}}{password}\n" for user, password in passwords.items()]
        (self.folder / "users").write_text("".join(lines), encoding="utf-8")


@contextlib.contextmanager
def dovecot(authority: Authority, passwords: Mapping[str, str] | None) -> Iterator[Dovecot]:
    """A private Dovecot of the current user in a folder of its own, which lets these users in.

    None: it cannot find out who may come in, and says so.
    """
    program = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert program, "the package dovecot-imapd is missing"
    owner = pwd.getpwuid(os.getuid())
    reader = pwd.getpwnam("nobody") if os.getuid() == 0 else owner
    # Not in the test's own folder: mail is read by a user that may not enter there.
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority.cert.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        (folder / "run").mkdir(mode=0o755)
        (folder / "mail").mkdir()
        os.chown(folder / "mail", reader.pw_uid, reader.pw_gid)
        secure, plain = free_port(), free_port()
        lines = [f"{user}:{{PLAIN}}{password}\n" for user, password in (passwords or {}).items()]
        (folder / "users").write_text("".join(lines), encoding="utf-8")
        known = f"driver = passwd-file\n  args = {folder}/users"
        broken = f"driver = checkpassword\n  args = {folder}/nothing"
        oneself = AS_ONESELF.format(name=owner.pw_name, group=grp.getgrgid(os.getgid()).gr_name)
        (folder / "dovecot.conf").write_text(
            CONFIGURATION.format(
                folder=folder,
                passdb=known if passwords is not None else broken,
                owner=owner.pw_name,
                uid=reader.pw_uid,
                gid=reader.pw_gid,
                plain=plain,
                secure=secure,
                oneself="" if os.getuid() == 0 else oneself,
            ),
            encoding="utf-8",
        )
        with (folder / "out").open("wb") as out:
            server = subprocess.Popen(
                [program, "-F", "-c", str(folder / "dovecot.conf")],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )
        try:
            wait_until(lambda: answers(secure) or server.poll() is not None, "answer of Dovecot")
            assert server.poll() is None, (folder / "out").read_text()
            yield Dovecot(
                MailServer(HOST, secure, Security.TLS), MailServer(HOST, plain, Security.STARTTLS), folder
            )
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(DEADLINE_S)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
