"""The autoconfig document of the Other domains."""

import pytest
from defusedxml.ElementTree import fromstring

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door, SandboxControl
from reply_desktop.sandbox.process import Sandbox
from tests.sandbox.callers import web


def test_the_autoconfig_document_names_the_servers(sandbox: Sandbox, control: SandboxControl) -> None:
    with web(sandbox) as session:
        answer = session.get(f"{sandbox.autoconfig_url}/lantern.example", timeout=10)
        own = session.get(
            sandbox.autoconfig_url.replace("/v1.1", "/mail/config-v1.1.xml"),
            params={"emailaddress": "gina@lantern.example"},
            timeout=10,
        )
        assert own.content == answer.content
        assert session.get(f"{sandbox.autoconfig_url}/elsewhere.example", timeout=10).status_code == 404
    root = fromstring(answer.text)
    found = {
        (
            each.get("type"),
            each.findtext("socketType"),
            each.findtext("hostname"),
            int(each.findtext("port") or 0),
        )
        for each in root.iter()
        if each.tag in ("incomingServer", "outgoingServer")
    }
    assert found == {
        ("imap", "SSL", "localhost", sandbox.imap_tls_port),
        ("imap", "STARTTLS", "localhost", sandbox.imap_port),
        ("smtp", "STARTTLS", "localhost", sandbox.smtp_port),
        ("smtp", "SSL", "localhost", sandbox.smtp_tls_port),
    }


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [(Control.PORTAL, 200, "guest network"), (Control.SERVER_TROUBLE, 503, "Error")],
)
def test_trouble_at_autoconfig(
    sandbox: Sandbox, control: SandboxControl, name: Control, status: int, text: str
) -> None:
    control.apply(name, Provider.OTHER)
    with web(sandbox) as session:
        answer = session.get(f"{sandbox.autoconfig_url}/lantern.example", timeout=10)
    assert answer.status_code == status and text in answer.text
    assert control.visits(door=Door.AUTOCONFIG)[-1].status == status
