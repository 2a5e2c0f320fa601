"""The sandbox's own certificate authority: made once, and its key thrown away when it has signed."""

import ssl
from pathlib import Path

from reply_desktop.files import write_private

_HOSTS = ("localhost", "127.0.0.1", "::1")


class Certificates:
    """The authority's certificate in `ca.pem`, and the servers' own in `server.pem` (0600)."""

    def __init__(self, folder: Path) -> None:
        self._shown: dict[int, bool] = {}
        self.ca_file = folder / "ca.pem"
        self._server_file = folder / "server.pem"
        self._stranger_file = folder / "stranger.pem"
        if not (self.ca_file.exists() and self._server_file.exists() and self._stranger_file.exists()):
            self._make()

    def context(self) -> ssl.SSLContext:
        """A new server context showing the trusted certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.show(context, trusted=True)
        return context

    def show(self, context: ssl.SSLContext, *, trusted: bool) -> bool:
        """Let new handshakes see the trusted certificate or a stranger's. True when that is a change."""
        if self._shown.get(id(context)) is trusted:
            return False
        context.load_cert_chain(self._server_file if trusted else self._stranger_file)
        self._shown[id(context)] = trusted
        return True

    def _make(self) -> None:
        import trustme

        authority, stranger = (
            trustme.CA(organization_name=name) for name in ("Reply Desktop sandbox", "Nobody you know")
        )
        for maker, file in ((authority, self._server_file), (stranger, self._stranger_file)):
            leaf = maker.issue_cert(*_HOSTS)
            write_private(file, leaf.private_key_and_cert_chain_pem.bytes())
        # Last, as the sign that all is there. The authority's key is never written, so nothing else can be
        # signed by what the product is told to trust.
        write_private(self.ca_file, authority.cert_pem.bytes())
