"""Tokens that need no table: each is a sealed note only this sandbox can write and read."""

import base64
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Seal:
    """Writes and reads tokens with one 256-bit key (AES-GCM, the prefix as associated data)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def write(self, prefix: str, note: dict[str, Any], length: int) -> str:
        """A token that begins with `prefix` and is about `length` characters long, as the provider's are.

        Two tokens for the same note differ. Longer notes give longer tokens.
        """
        plain = json.dumps(note, separators=(",", ":")).encode()
        nonce = secrets.token_bytes(12)
        room = (length - len(prefix)) * 3 // 4 - len(nonce) - 16
        sealed = nonce + self._cipher.encrypt(nonce, plain.ljust(room), prefix.encode())
        return prefix + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, prefix: str, token: str) -> dict[str, Any] | None:
        """The note in the token; None when this sandbox did not write it under this prefix."""
        if not token.startswith(prefix):
            return None
        text = token[len(prefix) :]
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            plain = self._cipher.decrypt(sealed[:12], sealed[12:], prefix.encode())
        except (ValueError, InvalidTag):
            return None
        note: dict[str, Any] = json.loads(plain)
        return note
