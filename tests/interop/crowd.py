#!/usr/bin/env python3
"""A crowd in front of the tool's `relay`: idle clients, clients that send half a request, clients that send garbage. Does it
stay up, bounded, and serve one more?

    cargo build --release -p realtime-cli
    ulimit -n 20000
    python3 tests/interop/crowd.py target/release/realtime [IDLE HALF GARBAGE]

Without numbers: 5000, 500 and 500. The service behind it is the tool's `serve`. Linux: memory is read from `/proc`.
"""

import asyncio
import base64
import collections
import contextlib
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

HEAD = ("GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n")
AT_ONCE = 32


def status(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])


def frame(opcode, payload):
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0xFE]) + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + mask + masked


class Client:
    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(HEAD.format(base64.b64encode(os.urandom(16)).decode()).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.split(b"\r\n")[0])
        return self

    async def next(self):
        """The next message; pings are answered."""
        while True:
            first, length = await self.reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2), "big")
            elif length == 127:
                length = int.from_bytes(await self.reader.readexactly(8), "big")
            payload = await self.reader.readexactly(length)
            if first & 15 == 9:
                self.writer.write(frame(10, payload))
            elif first & 15 == 8:
                raise ConnectionError(f"closed: {payload}")
            elif first & 15 == 1:
                return json.loads(payload)

    async def idle(self):
        while True:
            await self.next()


async def good(port):
    """A conversation. How long it took."""
    began = time.monotonic()
    client = await Client().open(port)
    event = {"type": "response.create", "response": {"output_modalities": ["text"]}}
    client.writer.write(frame(1, json.dumps(event).encode()))
    while (event := await client.next())["type"] != "response.done":
        pass
    assert event["response"]["status"] == "completed", event
    client.writer.write(frame(8, (1000).to_bytes(2, "big")))
    client.writer.close()
    return time.monotonic() - began


async def many(count, begin):
    """Begins so many, a few at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one():
        async with room:
            return await begin()

    return await asyncio.gather(*(one() for _ in range(count)))


async def crowd(relay, port, idle, half, garbage):
    def report(what):
        rss, most = status(relay, "VmRSS"), status(relay, "VmHWM")
        files = len(os.listdir(f"/proc/{relay}/fd"))
        print(f"{what:44} {rss:8} kB, at most {most:8} kB, {files:6} files", flush=True)
        return rss

    print(f"a conversation: {await asyncio.wait_for(good(port), 30):.2f} s")
    before = report("nobody")
    began = time.monotonic()
    clients = await many(idle, lambda: Client().open(port))
    tasks = [asyncio.create_task(client.idle()) for client in clients]
    await asyncio.sleep(3)
    after = report(f"{idle} idle clients, within {time.monotonic() - began:.0f} s")
    if idle:
        print(f"{(after - before) / idle:.1f} kB for each")

    # Half a request, and then nothing. Bytes that are no request; and bytes that are no frames.
    async def open_half():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD[:60].encode())
        return reader, writer

    async def send_garbage():
        noise = random.randbytes(4096)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if noise[0] % 2:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            else:
                client = await Client().open(port)
                reader, writer = client.reader, client.writer
            writer.write(noise)
            while await asyncio.wait_for(reader.read(65536), 60):
                pass
            return "ended"
        return "broken"

    halves = [await open_half() for _ in range(half)]
    noise = asyncio.create_task(many(garbage, send_garbage))
    await asyncio.sleep(1)
    took = await asyncio.wait_for(good(port), 30)
    report(f"and {half} half requests, {garbage} with garbage")
    print(f"one more, meanwhile: {took:.2f} s")
    print("garbage:", dict(collections.Counter(await noise)))
    answers = await asyncio.gather(*(asyncio.wait_for(reader.read(), 60) for reader, _ in halves))
    print("half requests:", dict(collections.Counter(answer[9:12].decode() for answer in answers)))
    print(f"one more, after them: {await asyncio.wait_for(good(port), 30):.2f} s")
    left = sum(not task.done() for task in tasks)
    print(f"idle clients that are still served: {left} of {idle}")
    assert left == idle
    for task in tasks:
        task.cancel()
    for client in clients:
        client.writer.close()
    await asyncio.sleep(5)
    report("all are gone")


def main():
    program, *numbers = sys.argv[1:]
    numbers = [int(number) for number in numbers] or [5000, 500, 500]
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    most = str(sum(numbers) + 1000)
    with tempfile.TemporaryFile("w+") as log:
        serve = subprocess.Popen([program, "serve", "--max-connections", most], stdout=subprocess.PIPE, stderr=log, text=True)
        url = serve.stdout.readline().strip()
        relay = subprocess.Popen([program, "relay", "--base-url", url, "--max-connections", most, "--grace", "5"],
                                 stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "OPENAI_API_KEY": "any"})
        try:
            port = int(relay.stdout.readline().strip().rsplit(":", 1)[1].split("/")[0])
            asyncio.run(crowd(relay.pid, port, *numbers))
            assert relay.poll() is None, "the relay has ended"
        finally:
            relay.terminate()
            print("relay:", relay.communicate(timeout=60)[0].strip().splitlines()[-1:])
            serve.terminate()
            serve.wait(60)


main()
