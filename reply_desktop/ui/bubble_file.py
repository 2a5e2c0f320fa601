"""Remembers which bubbles a notification service shows, for the window that follows one that was killed."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.ui.autostart import write_whole

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bubbles:
    """What one service shows. A service gives its numbers anew after a restart, maybe to other apps.

    `bus`: the message bus's own id. `service`: the service's unique name there, never given twice by one bus.
    """

    bus: str = ""
    service: str = ""
    numbers: tuple[int, ...] = ()


def kept(file: Path) -> Bubbles:
    """What was kept last; none when there is nothing, or nothing that can be read."""
    try:
        found = json.loads(file.read_bytes())
        return Bubbles(str(found["bus"]), str(found["service"]), tuple(map(int, found["numbers"])))
    except (OSError, ValueError, TypeError, KeyError):
        return Bubbles()


def keep(file: Path, bubbles: Bubbles) -> None:
    """Keep these instead of what was kept before. What cannot be kept is worth a line in the log at most."""
    try:
        if bubbles.numbers:
            write_whole(file, json.dumps(asdict(bubbles)).encode())
        else:
            file.unlink(missing_ok=True)
    except (InvalidInput, OSError) as error:
        log.info("Which alerts are shown is not kept: %s", error)
