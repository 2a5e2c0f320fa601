"""Mail addresses: what we accept, and when two mean the same mailbox."""

import re

from reply_desktop.domain.errors import InvalidInput

_LOCAL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)


def parse_address(text: str) -> str:
    """The address in canonical form: trimmed, lower case, domain as the person wrote it (IDN allowed).

    Dots and +tags are kept, since only the provider knows what they mean.
    Raises InvalidInput naming what is wrong (RFC 5321 §4.1.2, RFC 6531 for international addresses).
    """
    address = text.strip()
    if not address:
        raise InvalidInput("The mail address is missing.", "Write it like name@example.com.")
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise InvalidInput(f"“{address[:80]}” is not a mail address.", "Write it like name@example.com.")
    if len(address) > 254 or not _LOCAL.fullmatch(local) or not local.isprintable():
        raise InvalidInput(
            f"“{address[:80]}” has characters a mail address cannot have.", "Check for typing errors."
        )
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise InvalidInput(f"“{address[:80]}” has a dot where none may stand.", "Check for typing errors.")
    try:
        ascii_domain = domain.lower().encode("idna").decode("ascii")
    except UnicodeError:
        raise InvalidInput(f"“{domain[:80]}” is not a domain name.", "Check the part after the @.") from None
    labels = ascii_domain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidInput(f"“{domain[:80]}” is not a domain name.", "Check the part after the @.")
    return address.lower()


def mailbox_key(address: str) -> str:
    """What two spellings of the same mailbox have in common: trimmed, without regard to case."""
    return address.strip().casefold()


def same_mailbox(one: str, other: str) -> bool:
    """Whether two addresses name the same mailbox."""
    return mailbox_key(one) == mailbox_key(other)


def domain_of(address: str) -> str:
    """The part after the @, lower case."""
    return address.rpartition("@")[2].strip().lower()
