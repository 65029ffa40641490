"""Captures the handshakes that the official Python client sends, one for each case below.

Every handshake is really sent, to a server on loopback that notes the request and refuses it; scheme and host of the
URL that the client asked for are noted beside it. No case needs a key or a network.
"""

import contextlib
import json
import logging
import os
import pathlib
import threading
from importlib.metadata import version
from urllib.parse import urlsplit

for name in [name for name in os.environ if name.startswith(("OPENAI_", "AZURE_"))]:
    del os.environ[name]
logging.getLogger("websockets").setLevel(logging.CRITICAL)

import openai
import websockets.sync.client
import websockets.sync.server

OUTPUT = pathlib.Path(__file__).parents[3] / "realtime-core/testdata/handshake-openai-python.json"
AZURE = {"azure_endpoint": "https://name.openai.azure.com", "api_version": "2025-04-01-preview"}


def case(name, connect, resource="realtime", client="openai", **options):
    if "azure_ad_token" not in options:
        options.setdefault("api_key", "test-key")
    return {"name": name, "client": client, "resource": resource, "options": options, "connect": connect}


def azure(name, connect, **options):
    return case(name, connect, client="azure", **({} if "base_url" in options else AZURE), **options)


M = {"model": "m"}
GATEWAY = "https://gateway.example/a/v1"

CASES = [
    case("model", {"model": "gpt-realtime"}),
    case("model to encode", {"model": "a b+c&d=e/ü%20"}),
    case("ephemeral key", M, api_key="ek_test-key"),
    case("organisation and project", M, organization="org-1", project="proj_1"),
    case("call", {"call_id": "rtc_1"}),
    case("call beats extra query", {"call_id": "rtc_1", "extra_query": {"call_id": "rtc_2"}}),
    case("call and model", {"call_id": "rtc_1", "model": "m"}),
    case("transcription", {"extra_query": {"intent": "transcription"}}),
    case("translation", M, resource="translations"),
    case("translation, base query", M, resource="translations", base_url=GATEWAY + "?tenant=7"),
    case("port and trailing slash", M, base_url="http://localhost:8080/v1/"),
    case("trailing slashes", M, base_url=GATEWAY + "///"),
    case("no path", M, base_url="https://gateway.example"),
    case("address of IPv6", M, base_url="http://[::1]:8080/v1"),
    case("ws base", M, base_url="ws://localhost:8080/v1"),
    case("base query", M, base_url=GATEWAY + "?tenant=7&model=zz"),
    case("base query, spelling", M, base_url=GATEWAY + "?a=b%20c&d=e%2Bf&flag&list=1&list=2"),
    case("base query, other target", M, base_url=GATEWAY + "?call_id=rtc_1"),
    case("default query", M, default_query={"a": "1", "b": "1", "c": "1"}, base_url=GATEWAY + "?b=2&c=2"),
    case(
        "three queries",
        {"model": "m", "extra_query": {"c": "3", "d": "3"}},
        default_query={"a": "1", "b": "1", "c": "1"},
        base_url=GATEWAY + "?b=2&c=2",
    ),
    case("extra query replaces model", {"model": "m", "extra_query": {"model": "n"}}),
    case("extra query, encoding", {"model": "m", "extra_query": {"k y": "a b+c&d=ü"}}),
    case("extra query, list", {"model": "m", "extra_query": {"tag": ["1", "2"]}}),
    case("WebSocket base", M, websocket_base_url="wss://edge.example/rt/?k=v"),
    case("WebSocket base over base", M, base_url=GATEWAY + "?tenant=7", websocket_base_url="wss://edge.example/rt"),
    case("WebSocket base of http", M, websocket_base_url="http://localhost:9000/rt"),
    case("extra header", {"model": "m", "extra_headers": {"OpenAI-Safety-Identifier": "user-1"}}),
    case("extra header over authentication", {"model": "m", "extra_headers": {"authorization": "Bearer other"}}),
    case("default header over authentication", M, default_headers={"AUTHORIZATION": "Bearer other"}),
    case("extra over default header", {"model": "m", "extra_headers": {"x-a": "2"}}, default_headers={"X-A": "1"}),
    case("default header over organisation", M, organization="org-1", default_headers={"OpenAI-Organization": "org-2"}),
    case("header removed", {"model": "m", "extra_headers": {"User-Agent": None, "authorization": None}}),
    case("default header removed", {"model": "m", "extra_headers": {"x-a": None}}, default_headers={"X-A": "1"}),
    case("Azure at /openai/v1", M, base_url="https://name.openai.azure.com/openai/v1/"),
    azure("Azure preview, key", M),
    azure("Azure preview, token", M, azure_ad_token="test-token"),
    azure("Azure preview, deployment", M, azure_deployment="d"),
    azure("Azure preview, extra query", {"model": "m", "extra_query": {"deployment": "x", "api-version": "x", "k": "v"}}),
    azure("Azure preview, call", {"model": "m", "call_id": "rtc_1"}),
    azure("Azure preview, extra header", {"model": "m", "extra_headers": {"Api-Key": "other"}}),
    azure("Azure preview, WebSocket base", M, websocket_base_url="wss://edge.example/rt?k=v"),
    case("Azure preview, http", M, client="azure", azure_endpoint="http://name.example:8443", api_version="v"),
    azure("Azure preview, base with a query", M, base_url="https://gateway.example/openai?x=1", api_version="v"),
]


def client_of(case):
    kind = {"openai": openai.OpenAI, "azure": openai.AzureOpenAI}[case["client"]]
    return kind(**case["options"])


def connect(case):
    arguments = dict(case["connect"])
    if "extra_headers" in arguments:
        headers = arguments["extra_headers"].items()
        arguments["extra_headers"] = {name: openai.Omit() if value is None else value for name, value in headers}
    realtime = client_of(case).realtime
    (realtime.translations if case["resource"] == "translations" else realtime).connect(**arguments).enter()


def capture(cases):
    seen = []

    def note(connection, request):
        seen.append(request)
        return connection.respond(418, "noted")

    with websockets.sync.server.serve(lambda _: None, "127.0.0.1", 0, process_request=note) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        real = websockets.sync.client.connect

        def to_loopback(url, **options):
            parts = urlsplit(url)
            asked.append(f"{parts.scheme}://{parts.netloc}")
            return real(f"ws://127.0.0.1:{port}" + url[len(asked[-1]) :], **options, proxy=None)

        websockets.sync.client.connect = to_loopback
        for case in cases:
            asked = []
            with contextlib.suppress(websockets.exceptions.InvalidStatus):
                connect(case)
            request = seen.pop()
            yield case | {"sent": {"url": asked[0] + request.path, "headers": headers(request)}}
        server.shutdown()


def headers(request):
    """Without those that the WebSocket library makes by itself, and without what differs from machine to machine."""
    own = {"host", "connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"}
    found = [[name.lower(), value] for name, value in request.headers.raw_items() if name.lower() not in own]
    return sorted(header for header in found if not header[0].startswith("x-stainless-"))


versions = {"openai": version("openai"), "websockets": version("websockets")}
lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in capture(CASES))
OUTPUT.write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")
print(f"{len(CASES)} handshakes: {OUTPUT}")
