"""The sandbox's authority: made once, its key nowhere."""

import contextlib
import ssl
from pathlib import Path

import pytest

from reply_desktop.sandbox.certificates import Certificates


def test_the_authority_is_made_once_and_its_key_is_gone(tmp_path: Path) -> None:
    first = Certificates(tmp_path).ca_file.read_text()
    again = Certificates(tmp_path)
    assert again.ca_file.read_text() == first
    assert "PRIVATE KEY" not in first
    keys = [path for path in tmp_path.iterdir() if "PRIVATE KEY" in path.read_text()]
    assert sorted(path.name for path in keys) == ["server.pem", "stranger.pem"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in keys)


def test_half_made_certificates_are_made_anew(tmp_path: Path) -> None:
    first = Certificates(tmp_path).ca_file.read_text()
    (tmp_path / "server.pem").unlink()
    assert Certificates(tmp_path).ca_file.read_text() != first


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> None:
    """Both ends in memory. Raises the client's error."""
    ends = [ssl.MemoryBIO() for _ in range(4)]
    one = client.wrap_bio(ends[0], ends[1], server_hostname=host)
    other = server.wrap_bio(ends[2], ends[3], server_side=True)
    for _ in range(6):
        for end, out, into in ((one, ends[1], ends[2]), (other, ends[3], ends[0])):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
            into.write(out.read())
    one.do_handshake()


def test_the_shown_certificate_changes_for_new_handshakes(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    server = certificates.context()
    client = ssl.create_default_context(cafile=str(certificates.ca_file))
    for host in ("localhost", "127.0.0.1", "::1"):
        handshake(server, client, host)
    assert certificates.show(server, trusted=False)
    assert not certificates.show(server, trusted=False)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client, "localhost")
    assert certificates.show(server, trusted=True)
    handshake(server, client, "localhost")
