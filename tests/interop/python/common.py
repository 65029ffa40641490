"""What the clients of this folder have in common: the served simulator, and the recordings that they say."""

import contextlib
import pathlib
import subprocess
import sys
import wave

INTEROP = pathlib.Path(__file__).parents[1]
AUDIO = INTEROP.parents[1] / "testdata" / "audio"
KEY = "sk-interop"
MODEL = "gpt-realtime"
WEATHER = "What is the weather like in Lisbon and in São Paulo?"
STORY = "Once upon a time"


def check(condition, what):
    if not condition:
        raise AssertionError(what)


@contextlib.contextmanager
def served():
    """The base URL of a simulator that answers as `answers.jsonl` says, served by the program of the command line."""
    serve = subprocess.Popen(
        [sys.argv[1], "--port", "0", "--answers", str(INTEROP / "answers.jsonl"), "--key", KEY],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield serve.stdout.readline().strip()
    finally:
        serve.stdin.close()
        serve.wait(10)


def pieces(name):
    """The samples of a recording, in pieces of 40 ms."""
    with wave.open(str(AUDIO / name)) as recording:
        check(recording.getframerate() == 24_000 and recording.getnchannels() == 1, "24 kHz mono")
        while piece := recording.readframes(24_000 * 40 // 1000):
            yield piece
