"""Clients in a process of their own: slow ones of a kind, or others who measure how long they wait.

    python -m e2e.slow_clients PORT TOKEN SECONDS header 1000
    python -m e2e.slow_clients PORT TOKEN SECONDS others 20

Each prints one JSON object: seconds until each slow connection was cut (null: not at all), or seconds of each request.
"""

import asyncio
import json
import socket
import sys
import time

LINE = b"HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
TICK = 1  # seconds between two bytes
TCP_ESTABLISHED = 1
STARTS = {
    "silent": b"",
    "request line": b"GET /",
    "header": b"GET /health " + LINE + b"X-Slow: ",
    "body": b"POST /api/tasks " + LINE + b"Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n",
    "chunked": b"POST /api/tasks " + LINE + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    "reading": b"GET /api/tasks " + LINE + b"\r\n",
}
# Seconds between two new connections. A thousand long lists at once are seconds of work, however they are read.
PAUSE = dict.fromkeys(STARTS, 0.002) | {"reading": 0.04}
BYTES = {"request line": b"x", "header": b"x", "body": b" ", "chunked": b"1\r\n \r\n"}


class Slow:
    """One slow client."""

    def __init__(self, kind, port, token):
        self.kind, self.port = kind, port
        self.start = STARTS[kind].replace(b"%s", token.encode())

    async def cut_after(self, number, seconds):
        """Seconds until the server closed the connection; None when it is still open at the end."""
        later = number * PAUSE[self.kind]
        await asyncio.sleep(later)
        loop, sock = asyncio.get_running_loop(), socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            await loop.sock_connect(sock, ("127.0.0.1", self.port))
            begin = time.monotonic()
            try:
                async with asyncio.timeout(max(1, seconds - later)):
                    await self.trickle(loop, sock)
            except TimeoutError:
                return None
            except OSError:
                pass
            return time.monotonic() - begin
        finally:
            sock.close()

    async def trickle(self, loop, sock):
        """Send or read a byte at a time until the server has enough of it."""
        await loop.sock_sendall(sock, self.start)
        while True:
            begin = time.monotonic()
            if piece := BYTES.get(self.kind):
                await loop.sock_sendall(sock, piece)
            try:
                async with asyncio.timeout(TICK):  # not wait_for(): in Python 3.11 it can lose the end of the outer one
                    received = await loop.sock_recv(sock, 1)
            except TimeoutError:
                continue
            if not received or not is_established(sock):
                return
            await asyncio.sleep(begin + (TICK if self.kind == "reading" else 0) - time.monotonic())


def is_established(sock):
    """Return False after a reset too. The kernel knows of it at once; recv() first returns the bytes of its buffer."""
    state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state == TCP_ESTABLISHED


async def other(number, port, token, seconds):
    """Return the seconds of each request of a normal client. Every second client connects for each request."""
    took, end, connection = [], time.monotonic() + seconds, None
    path = "/health" if number % 4 < 2 else "/api/tasks?limit=20"
    close = number % 2
    request = b"GET %s " % path.encode() + LINE.replace(b"%s", token.encode())
    request += b"Connection: close\r\n\r\n" if close else b"\r\n"
    await asyncio.sleep(number / 100)
    while time.monotonic() < end:
        begin = time.monotonic()
        connection = connection or await asyncio.open_connection("127.0.0.1", port)
        reader, writer = connection
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await read_body(reader, head.lower())
        took.append(time.monotonic() - begin)
        if close:
            writer.close()
            connection = None
        await asyncio.sleep(0.2)
    return took


async def read_body(reader, head):
    if b"content-length: " in head:
        return await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    return await reader.readuntil(b"0\r\n\r\n")


async def main(port, token, seconds, kind, count):
    if kind == "others":
        took = await asyncio.gather(*(other(number, port, token, seconds) for number in range(count)))
        return {"took": sorted(second for client in took for second in client)}
    return {
        "cut": await asyncio.gather(*(Slow(kind, port, token).cut_after(number, seconds) for number in range(count)))
    }


if __name__ == "__main__":
    port, token, seconds, kind, count = sys.argv[1:]
    print(json.dumps(asyncio.run(main(int(port), token, float(seconds), kind, int(count)))))
