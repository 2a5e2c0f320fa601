"""The whole sandbox: builds the stand-ins on one world, opens their doors, serves until told to stop."""

import asyncio
import json
import os
import secrets
import signal
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from reply_desktop.domain.provider import Provider
from reply_desktop.files import write_private
from reply_desktop.sandbox.autoconfig import Autoconfig
from reply_desktop.sandbox.certificates import Certificates
from reply_desktop.sandbox.control import Control
from reply_desktop.sandbox.control_server import ControlServer
from reply_desktop.sandbox.google import Google
from reply_desktop.sandbox.imap import ImapServer
from reply_desktop.sandbox.letters import Letters
from reply_desktop.sandbox.microsoft import REGISTERED_REDIRECTS, Microsoft
from reply_desktop.sandbox.oauth import Shared
from reply_desktop.sandbox.process import Sandbox
from reply_desktop.sandbox.seal import Seal
from reply_desktop.sandbox.serve import HttpServer, Listener, wsgi_handler
from reply_desktop.sandbox.sink import Sink
from reply_desktop.sandbox.smtp import SmtpServer
from reply_desktop.sandbox.visits import Visits
from reply_desktop.sandbox.world import World


class House:
    """One running sandbox in `folder`, which must be this process's own (`folder.FolderLock`)."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._world = World(folder / "world.json", now)
        self._sink = Sink(folder / "sink", self._world.now)
        self._received = Sink(folder / "inbox", self._world.now)
        self._sent_copies = Sink(folder / "sent", self._world.now)
        self._letters = Letters(self._sink, self._received)
        self._visits = Visits(self._world.now)
        self._certificates = Certificates(folder)
        self._keys = _keys(folder / "keys.json")
        self._stopped = asyncio.Event()
        self._changed = asyncio.Lock()
        shared = Shared(
            self._world,
            self._letters,
            self._visits,
            Seal(bytes.fromhex(self._keys["seal"])),
            RSAKey.import_key(self._keys["signing"]),
        )
        self._google, self._microsoft = Google(shared), Microsoft(shared)
        self._contexts = {
            Provider.MICROSOFT: self._certificates.context(),
            Provider.OTHER: self._certificates.context(),
        }
        self._listeners = self._doors()

    async def run(self, ready: Callable[[str], None], watch: Callable[[Callable[[], None]], None]) -> None:
        """Serve until `stop`. `ready` gets the text of sandbox.json once every door is open.

        `watch` is given what to call when the sandbox should end by itself.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self.stop)
            except NotImplementedError:
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.stop))
        watch(self.stop)
        self._reserve()
        await self._listeners["control"].become("open")
        await self._settle()
        description = json.dumps(asdict(self._describe()), indent=2)
        write_private(self._folder / "sandbox.json", description)
        ready(description)
        try:
            await self._stopped.wait()
        finally:
            (self._folder / "sandbox.json").unlink(missing_ok=True)
            for listener in self._listeners.values():
                listener.close()
            await connections_closed()

    def stop(self) -> None:
        """End, once what is being answered has left."""
        asyncio.get_running_loop().call_later(0.02, self._stopped.set)

    def _doors(self) -> dict[str, Listener]:
        world = self._world
        mail_tls = self._contexts[Provider.OTHER]
        smtp = SmtpServer(world, self._letters, self._sent_copies, self._visits, mail_tls)
        imap = ImapServer(world, self._received, self._sent_copies, self._visits, mail_tls)
        listeners: dict[str, Listener] = {}
        control = ControlServer(
            self._keys["control"],
            world,
            self._sink,
            self._letters,
            self._visits,
            self._settle,
            self.stop,
        )
        google_http = HttpServer(wsgi_handler(self._google.app), Provider.GOOGLE, world)
        microsoft_http = HttpServer(wsgi_handler(self._microsoft.app), Provider.MICROSOFT, world)
        autoconfig_http = HttpServer(Autoconfig(world, self._visits, listeners).handle, Provider.OTHER, world)
        for each in (
            Listener("control", None, HttpServer(control.handle, None, world)),
            Listener("google", Provider.GOOGLE, google_http),
            Listener("microsoft_pages", Provider.MICROSOFT, microsoft_http),
            Listener(
                "microsoft",
                Provider.MICROSOFT,
                microsoft_http,
                host="localhost",
                tls=self._contexts[Provider.MICROSOFT],
            ),
            Listener("autoconfig", Provider.OTHER, autoconfig_http),
            Listener("smtp", Provider.OTHER, smtp.starttls, host="localhost"),
            Listener("smtp_tls", Provider.OTHER, smtp.implicit, host="localhost", tls=mail_tls),
            Listener("imap", Provider.OTHER, imap.starttls, host="localhost"),
            Listener("imap_tls", Provider.OTHER, imap.implicit, host="localhost", tls=mail_tls),
        ):
            listeners[each.name] = each
        return listeners

    def _reserve(self) -> None:
        """Take the ports of the last time, where they are free."""
        kept = self._folder / "ports.json"
        try:
            last: dict[str, int] = json.loads(kept.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            last = {}
        for name, listener in self._listeners.items():
            listener.reserve(int(last.get(name, 0)))
        write_private(kept, json.dumps({name: each.port for name, each in self._listeners.items()}))
        self._google.base = f"http://127.0.0.1:{self._listeners['google'].port}"
        self._microsoft.base = f"https://localhost:{self._listeners['microsoft'].port}"
        self._microsoft.page_base = f"http://127.0.0.1:{self._listeners['microsoft_pages'].port}"

    async def _settle(self) -> None:
        """Bring listeners and certificates in line with the world."""
        async with self._changed:
            for provider, context in self._contexts.items():
                trusted = self._world.find(Control.BAD_CERTIFICATE, provider, strike=False) is None
                if self._certificates.show(context, trusted=trusted):
                    for listener in self._listeners.values():
                        if listener.provider is provider:
                            listener.break_connections()
            for listener in self._listeners.values():
                if listener.provider is not None:
                    offline = self._world.find(Control.OFFLINE, listener.provider, strike=False)
                    await listener.become(str(offline.params["mode"]) if offline else "open")
            await connections_closed()

    def _describe(self) -> Sandbox:
        port = {name: listener.port for name, listener in self._listeners.items()}
        google, microsoft, pages = self._google.base, self._microsoft.base, self._microsoft.page_base
        client = self._world.clients[Provider.GOOGLE]
        client_file = self._folder / "client_secret.json"
        # As the Google console writes it for a client of type "Desktop app".
        installed = {
            "client_id": client.client_id,
            "project_id": "reply-desktop-sandbox",
            "auth_uri": f"{google}/o/oauth2/v2/auth",
            "token_uri": f"{google}/token",
            "auth_provider_x509_cert_url": f"{google}/oauth2/v3/certs",
            "client_secret": client.secret,
            "redirect_uris": ["http://localhost"],
        }
        write_private(client_file, json.dumps({"installed": installed}))
        write_private(self._folder / "control.key", self._keys["control"])
        return Sandbox(
            pid=os.getpid(),
            data_dir=str(self._folder),
            control_url=f"http://127.0.0.1:{port['control']}",
            key_file=str(self._folder / "control.key"),
            ca_file=str(self._certificates.ca_file),
            google_issuer=self._google.base,
            google_auth_uri=installed["auth_uri"],  # type: ignore[arg-type]
            google_token_uri=f"{google}/token",
            google_revoke_uri=f"{google}/revoke",
            google_userinfo_uri=f"{google}/v1/userinfo",
            google_tokeninfo_uri=f"{google}/tokeninfo",
            google_connections_url=f"{google}/connections",
            google_client_file=str(client_file),
            gmail_url=google,
            microsoft_authority=f"{microsoft}/common",
            microsoft_client_id=self._world.clients[Provider.MICROSOFT].client_id,
            microsoft_redirect_uri=REGISTERED_REDIRECTS[0],
            microsoft_connections_url=f"{pages}/connections",
            graph_url=microsoft,
            smtp_host="localhost",
            smtp_port=port["smtp"],
            smtp_tls_port=port["smtp_tls"],
            imap_host="localhost",
            imap_port=port["imap"],
            imap_tls_port=port["imap_tls"],
            autoconfig_url=f"http://127.0.0.1:{port['autoconfig']}/v1.1",
        )


async def connections_closed() -> None:
    """Let the loop close the sockets of broken connections, which it does in its next turns."""
    for _ in range(3):
        await asyncio.sleep(0)


def _keys(path: Path) -> dict[str, Any]:
    """The sandbox's secrets: the seal of its tokens, the key of its ID tokens, the control API's key."""
    if path.exists():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known
    made = {
        "seal": secrets.token_hex(32),
        "control": secrets.token_urlsafe(32),
        "signing": RSAKey.generate_key(2048).as_dict(private=True),
    }
    write_private(path, json.dumps(made))
    return made
