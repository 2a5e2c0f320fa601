"""Client ids that a company's own build carries, from `baked/providers.json` beside the frozen app."""

import json
import sys
from pathlib import Path

from reply_desktop.domain.provider import Provider
from reply_desktop.services.ports import ProviderSettings


def baked_settings(root: Path | None = None) -> dict[Provider, ProviderSettings]:
    """Provider → settings of this build; empty where none were baked in.

    The file is a JSON object by provider name with the fields of ProviderSettings. A broken one raises
    ValueError at once: a company build with a typing error must not look unconfigured.
    """
    base = root if root is not None else Path(getattr(sys, "_MEIPASS", ""))
    if root is None and not getattr(sys, "frozen", False):
        return {}
    file = base / "baked" / "providers.json"
    if not file.is_file():
        return {}
    document = json.loads(file.read_text(encoding="utf-8"))
    try:
        return {Provider(name): ProviderSettings(**fields) for name, fields in document.items()}
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{file.name} of this build is not understood: {error}") from None
