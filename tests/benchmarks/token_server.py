"""A token endpoint that costs almost nothing: TLS, kept connections, one fixed answer, a set delay.

A process of its own, so that its work is not counted with ours. Prints its port, ends with its standard input.
A line there revokes the refresh token it names, a line again gives it back; each refusal is printed with the
time of its answer (CLOCK_MONOTONIC, seconds).
"""

import asyncio
import json
import os
import ssl
import sys
import time


def answer(number: int) -> bytes:
    body = json.dumps(
        {
            "access_token": f"ya29.{number}",
            "expires_in": 3599,
            "scope": "openid email https://www.googleapis.com/auth/gmail.send",
            "token_type": "Bearer",
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(certificate: str, delay_s: float) -> None:
    fixed = answer(1)
    refusal = b'{"error":"invalid_grant","error_description":"Token has been expired or revoked."}'
    head_of_refusal = (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    refused = head_of_refusal % len(refusal) + refusal
    revoked: set[bytes] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line[15:])
                body = await reader.readexactly(length) if length else b""
                if delay_s:
                    await asyncio.sleep(delay_s)
                if revoked and any(b"refresh_token=" + token + b"&" in body + b"&" for token in revoked):
                    writer.write(refused)
                    print(time.clock_gettime(time.CLOCK_MONOTONIC), flush=True)
                else:
                    writer.write(fixed)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def look() -> None:
        tokens = os.read(sys.stdin.fileno(), 4096).split()
        if not tokens:
            ended.set()
        revoked.symmetric_difference_update(tokens)

    loop.add_reader(sys.stdin.fileno(), look)
    await ended.wait()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2])))
