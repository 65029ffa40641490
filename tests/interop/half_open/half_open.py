#!/usr/bin/env python3
"""A link that is silently gone is noticed: between two network namespaces, whose router stops forwarding packets.

usage, as root: half_open.py PATH_OF_SERVE PATH_OF_HALF_OPEN

Prints for each situation after how many seconds the client's connection has ended. Promised are 25: 15 s of silence,
and 10 s for the answer to a ping. The figures are a little lower or higher, because the last message arrived before the
link was cut.
"""

import subprocess
import sys
import threading

ROUTES = """
    ip netns add {name}-client
    ip netns add {name}-router
    ip netns add {name}-server
    ip -n {name}-client link add near type veth peer name client netns {name}-router
    ip -n {name}-server link add near type veth peer name server netns {name}-router
    ip -n {name}-client addr add 10.77.1.2/24 dev near
    ip -n {name}-server addr add 10.77.2.2/24 dev near
    ip -n {name}-router addr add 10.77.1.1/24 dev client
    ip -n {name}-router addr add 10.77.2.1/24 dev server
    ip -n {name}-client link set near up
    ip -n {name}-server link set near up
    ip -n {name}-server link set lo up
    ip -n {name}-router link set client up
    ip -n {name}-router link set server up
    ip -n {name}-client route add default via 10.77.1.1
    ip -n {name}-server route add default via 10.77.2.1
    ip netns exec {name}-router sysctl -qw net.ipv4.ip_forward=1
"""

# The simulator listens on loopback alone: this leads there from the other namespace.
PROXY = """
import asyncio, sys

async def carry(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()

async def serve(reader, writer):
    to = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    await asyncio.gather(carry(reader, to[1]), carry(to[0], writer))

async def main():
    server = await asyncio.start_server(serve, "10.77.2.2", 8000)
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def measure(name, arguments):
    """The seconds after which the end was noticed, and in which words."""
    started = []

    def start(space, *command, **options):
        process = subprocess.Popen(
            ["ip", "netns", "exec", f"{name}-{space}", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, **options)
        started.append(process)
        return process

    try:
        for line in ROUTES.format(name=name).strip().splitlines():
            subprocess.run(line.split(), check=True)
        serve = start("server", sys.argv[1], "--port", "0", "--key", "sk-interop")
        port = serve.stdout.readline().rsplit(":", 1)[1].split("/")[0]
        start("server", sys.executable, "-c", PROXY, port).stdout.readline()
        environment = {"OPENAI_API_KEY": "sk-interop", "OPENAI_BASE_URL": "http://10.77.2.2:8000/v1"}
        client = start("client", sys.argv[2], *arguments, env=environment)
        assert client.stdout.readline().strip() == "open"
        subprocess.run(["ip", "netns", "exec", f"{name}-router", "sysctl", "-qw", "net.ipv4.ip_forward=0"], check=True)
        client.stdin.write("cut\n")
        client.stdin.flush()
        return client.stdout.readline().strip()
    finally:
        for process in started:
            process.kill()
            process.wait()
        for space in ["client", "router", "server"]:
            subprocess.run(["ip", "netns", "del", f"{name}-{space}"], check=False)


def main():
    situations = {"nothing is sent": [], "audio streams": ["0"], "speech begins 12 s later": ["12"],
                  "speech begins 20 s later": ["20"]}
    results = {}

    def run(number, words, arguments):
        results[words] = measure(f"half-open-{number}", arguments)

    threads = [threading.Thread(target=run, args=(number, *situation)) for number, situation in
               enumerate(situations.items())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for words in situations:
        print(f"{words}: {results.get(words, 'not measured')}")
    return 0 if all(23 <= float(results.get(words, "0").split()[0] or 0) <= 27 for words in situations) else 1


sys.exit(main())
