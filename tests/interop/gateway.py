#!/usr/bin/env python3
"""Stands in for `serve` in the other programs of this folder: the simulator behind the example `gateway`.

    python tests/interop/python/conversation.py tests/interop/gateway.py
    node tests/interop/node/run.mjs tests/interop/gateway.py openai.mjs agents.mjs browser.mjs

It takes the options that those programs give to `serve`, and prints the gateway's URL. The gateway has the clients' key, and
the simulator another one, so that nothing would work if a client's key were passed on.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = ROOT / "target" / "debug" / "examples"
MODELS = ["gpt-realtime", "gpt-realtime-2.1", "gpt-realtime-mini"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", default="0")
    options.add_argument("--answers", required=True)
    options.add_argument("--key", required=True)
    options.add_argument("--tls", action="store_true")
    options.add_argument("--ca-out")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        serve = subprocess.Popen(
            [BUILT / "serve", "--port", "0", "--answers", options.answers, "--key", "sk-upstream"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        config = f"""
            listen = "127.0.0.1:{options.port}"
            [[upstream]]
            name = "simulator"
            url = "{serve.stdout.readline().strip()}"
            key_env = "UPSTREAM_KEY"
            models = {MODELS}
            [[key]]
            name = "interop"
            key = "{options.key}"
            upstream = "simulator"
            sessions = 100
        """
        if options.tls:
            chain, key = folder / "chain.pem", folder / "key.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                 "-keyout", key, "-out", chain], check=True, capture_output=True)
            if options.ca_out:
                pathlib.Path(options.ca_out).write_bytes(chain.read_bytes())
            config += f'\n[tls]\nchain = "{chain}"\nkey = "{key}"\n'
        (folder / "gateway.toml").write_text(config)
        gateway = subprocess.Popen(
            [BUILT / "gateway", "--config", folder / "gateway.toml"], env={"UPSTREAM_KEY": "sk-upstream"},
            stdout=subprocess.PIPE, text=True)
        print(gateway.stdout.readline().strip(), flush=True)
        sys.stdin.read()
        gateway.terminate()
        # One line for each session.
        sessions = gateway.communicate(timeout=60)[0].splitlines()
        print(f"gateway: {len(sessions)} sessions relayed", file=sys.stderr)
        serve.stdin.close()
        serve.wait(10)
        return gateway.returncode


sys.exit(main())
