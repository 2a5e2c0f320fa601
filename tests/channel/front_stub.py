"""A front process: `python front_stub.py DIR connect|ensure COMMAND…`; tells on its standard output how it goes."""

import struct
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reply_desktop.channel.client import Client
from reply_desktop.channel.launch import ensure_engine
from reply_desktop.channel.messages import RowsChanged
from reply_desktop.config import Config


def tell(text: object) -> None:
    print(text, flush=True)


def on_event(event: Any) -> None:
    if isinstance(event, RowsChanged):
        tell(f"rows {max(row.sent_today for row in event.rows)}")


def main() -> None:
    config, what, command = Config(Path(sys.argv[1])), sys.argv[2], sys.argv[3:]
    if what == "ensure":
        tell(ensure_engine(config, command=command).welcome.pid)
        return
    lost = threading.Event()
    client = Client(config, events=True, on_event=on_event, on_lost=lost.set)
    if what == "half":
        client._wire._socket.sendall(struct.pack("!i", 100_000) + b'{"id":1,"kind":')  # type: ignore[attr-defined]
    tell("connected")
    lost.wait()
    tell("lost")


if __name__ == "__main__":
    main()
