"""The official Python client holds its Live conversations with the served simulator: a session of its own with client
delegation and one with the functions of a Responses model, a sideband beside it, and a fork of what was stored.

usage: python live.py PATH_OF_SERVE
"""

import asyncio
import base64
import contextlib
import json

from common import KEY, check, pieces, served
from openai import AsyncOpenAI, __version__

QUESTION = "Please tell me a story."
TOOL = {"type": "function", "name": "get_weather", "description": "The weather in a city.", "strict": True, "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}}


@contextlib.asynccontextmanager
async def fed(connection, recordings):
    """Sends what is put into the queue, and silence otherwise, in real time: the session's clock runs on it."""
    async def feed():
        left = []
        while True:
            while not recordings.empty():
                left += pieces(recordings.get_nowait())
            piece = left.pop(0) if left else bytes(1920)
            await connection.session.input_audio.append(audio=base64.b64encode(piece.ljust(1920, b"\0")).decode())
            await asyncio.sleep(0.04)

    task = asyncio.create_task(feed())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def start(connection, session):
    await connection.session.start(session=session, event_id="start")
    event = await anext(aiter(connection))
    check(event.type == "session.started" and event.client_event_id == "start", event)
    return event.session


async def until(connection, found):
    """All events up to the first that is found. An error is a failure."""
    events = []
    async for event in connection:
        check(event.type != "error", event)
        events.append(event)
        if found(event):
            return events
    raise AssertionError(f"the connection ended: {[event.type for event in events]}")


def heard(events, who):
    return "".join(event.delta for event in events if event.type == f"session.{who}_transcript.delta")


async def close(connection):
    await connection.session.close(event_id="close")
    closed = (await until(connection, lambda event: event.type == "session.closed"))[-1]
    check(closed.reason == "close_requested" and closed.client_event_id == "close", closed)
    check(closed.usage.seconds > 0, closed.usage)


async def client_delegation(client):
    """The application does the work, and a sideband watches."""
    recordings = asyncio.Queue()
    async with client.live.connect() as connection:
        session = await start(connection, {"model": "gpt-live-1", "delegation": {"type": "client"}, "store": True})
        async with fed(connection, recordings), client.live.sideband.connect(session_id=session.id) as sideband:
            await connection.session.input_audio.mute(event_id="mute")
            await until(connection, lambda event: event.type == "session.input_audio.muted")
            await connection.session.input_audio.unmute()
            recordings.put_nowait("question.wav")
            events = await until(connection, lambda event: event.type == "session.delegation.created")
            check(heard(events, "input") == QUESTION, heard(events, "input"))
            task = events[-1].delegation
            check(task.target == "client", task)
            await connection.session.thinking.append(content="It is a long one.", delegation_id=task.id, event_id="t")
            await connection.session.commentary.append(content="Once upon a time.", delegation_id=task.id, event_id="c")
            said = ""
            async for event in connection:
                check(event.type != "error", event)
                said += heard([event], "output")
                if said.endswith("time."):
                    break
            # The observer says something too, and sees what is heard and said.
            await sideband.session.commentary.append(content="The end.", delegation_id=None, event_id="side")
            seen = await until(sideband, lambda event: event.type == "session.output_transcript.delta" and event.delta == " end.")
            kinds = {event.type for event in seen}
            check({"session.started", "session.input_audio.append", "session.output_audio.delta"} <= kinds, kinds)
            check(any(getattr(event, "client_event_id", None) == "side" for event in seen), "the append was acknowledged")
        await close(connection)
    return session.id, said


async def responses_delegation(client):
    """A Responses model does the work, and calls functions of the application."""
    recordings = asyncio.Queue()
    delegation = {"type": "responses", "responses": {"model": "gpt-5.4-mini", "tools": [TOOL]}}
    async with client.live.connect() as connection:
        await start(connection, {"model": "gpt-live-1", "delegation": delegation, "audio": {
            "format": {"type": "audio/pcm", "rate": 24_000}, "output": {"voice": "cedar"}}})
        async with fed(connection, recordings):
            await connection.response.item.create(item={"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "What is the weather like in Lisbon and in São Paulo?"}]})
            await connection.response.create()
            nested = lambda event, kind: event.type == "response.event" and event.event["type"] == kind
            events = await until(connection, lambda event: nested(event, "response.completed"))
            calls = [event.event["item"] for event in events if nested(event, "response.output_item.done")]
            cities = [json.loads(call["arguments"])["city"] for call in calls]
            check(cities == ["Lisbon", "São Paulo"], cities)
            for call, city in zip(calls, cities):
                output = {"type": "function_call_output", "call_id": call["call_id"], "output": f"sunny in {city}"}
                await connection.response.item.create(item=output)
            await connection.response.create()
            events = await until(connection, lambda event: nested(event, "response.completed"))
            text = "".join(event.event["delta"] for event in events if nested(event, "response.output_text.delta"))
            check(text == "The last one says: sunny in São Paulo", text)
            events = await until(connection, lambda event: event.type == "session.output_transcript.delta" and event.delta == " Paulo")
            check(heard(events, "output").endswith("São Paulo"), heard(events, "output"))
            await connection.session.update(session={"delegation": {"type": "responses", "responses": {"tools": []}}})
            await until(connection, lambda event: event.type == "session.updated")
        await close(connection)
    return text


async def fork(client, stored):
    recordings = asyncio.Queue()
    async with client.live.forks.connect(session_id=stored) as connection:
        session = await start(connection, {"store": False})
        check(session.id != stored and session.model == "gpt-live-1", session)
        check(session.input[0].content[0].text == QUESTION, session.input)
        async with fed(connection, recordings):
            await connection.session.instructions.append(content="Be brief.", delegation_id=None, event_id="i")
            await until(connection, lambda event: event.type == "session.instructions.appended" and event.client_event_id == "i")
        await close(connection)
    return session.id


async def main():
    with served() as base_url:
        client = AsyncOpenAI(base_url=base_url, api_key=KEY)
        stored, said = await asyncio.wait_for(client_delegation(client), 90)
        print(f"client delegation, with a sideband: {said}")
        print(f"responses delegation: {await asyncio.wait_for(responses_delegation(client), 90)}")
        print(f"a fork of {stored}: {await asyncio.wait_for(fork(client, stored), 90)}")
    print(f"openai {__version__}: all Live conversations were held")


asyncio.run(main())
