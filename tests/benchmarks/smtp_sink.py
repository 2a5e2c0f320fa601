"""A fast SMTP server over TLS that takes everything and counts; run by bench_sending.

python smtp_sink.py CERTIFICATE    prints its port, ends with its standard input, then prints its count
"""

import asyncio
import ssl
import sys
import threading

ANSWERS = {
    b"EHLO": b"250-sink\r\n250-AUTH PLAIN\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n",
    b"AUTH": b"235 2.7.0 ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}

taken = 0


class Sink(asyncio.Protocol):
    """One connection; lines come whole or in pieces."""

    def __init__(self) -> None:
        self._rest = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._out = transport
        self._out.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        global taken
        self._rest += data
        while True:
            if self._in_data:
                end = self._rest.find(b"\r\n.\r\n")
                if end < 0:
                    return
                self._rest = self._rest[end + 5 :]
                self._in_data = False
                taken += 1
                self._out.write(b"250 2.0.0 taken\r\n")
                continue
            end = self._rest.find(b"\r\n")
            if end < 0:
                return
            verb, self._rest = self._rest[:4].upper(), self._rest[end + 2 :]
            self._in_data = verb == b"DATA"
            self._out.write(ANSWERS.get(verb, b"250 2.0.0 ok\r\n"))


async def serve(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()
    threading.Thread(
        target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(over.set)), daemon=True
    ).start()
    await over.wait()


asyncio.run(serve(sys.argv[1]))
print(taken, flush=True)
