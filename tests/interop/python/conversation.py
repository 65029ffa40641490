"""The official Python client holds its conversations with the served simulator: text, tools, audio, barge-in.

usage: python conversation.py PATH_OF_SERVE
"""

import asyncio
import base64
import json

from common import KEY, MODEL, STORY, WEATHER, check, pieces, served
from openai import AsyncOpenAI, __version__


async def until(connection, *kinds):
    """All events up to the first of one of these types. An error is a failure."""
    events = []
    async for event in connection:
        check(event.type != "error", event)
        events.append(event)
        if event.type in kinds:
            return events
    raise AssertionError(f"the connection ended before {kinds}: {[event.type for event in events]}")


def of(events, kind):
    return [event for event in events if event.type == kind]


async def say(connection, text):
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await connection.conversation.item.create(item=item)


async def speak(connection, name):
    """Sends a recording in pieces of 40 ms, faster than one can speak."""
    for piece in pieces(name):
        await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
        await asyncio.sleep(0.004)


async def text(connection):
    await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
    await say(connection, "Say hi in three words")
    await connection.response.create()
    events = await until(connection, "rate_limits.updated")
    check(of(events, "session.updated")[0].session.output_modalities == ["text"], "the session is of text")
    deltas = "".join(event.delta for event in of(events, "response.output_text.delta"))
    check(deltas == "Hi there, friend!", deltas)
    done = of(events, "response.done")[0].response
    check(done.status == "completed" and done.output[0].content[0].text == deltas, done)
    check(done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens > 0, done.usage)
    return deltas


async def tools(connection):
    tool = {"type": "function", "name": "get_weather", "description": "The weather in a city.", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
    await connection.session.update(session={"type": "realtime", "output_modalities": ["text"], "tools": [tool]})
    await say(connection, WEATHER)
    await connection.response.create()
    done = of(await until(connection, "response.done"), "response.done")[0].response
    cities = []
    for call in done.output:
        check(call.type == "function_call" and call.name == "get_weather", call)
        cities.append(json.loads(call.arguments)["city"])
        output = {"type": "function_call_output", "call_id": call.call_id, "output": f"sunny in {cities[-1]}"}
        await connection.conversation.item.create(item=output)
    check(cities == ["Lisbon", "São Paulo"], cities)
    await connection.response.create()
    done = of(await until(connection, "response.done"), "response.done")[0].response
    answer = done.output[0].content[0].text
    check(answer == "The last one says: sunny in São Paulo", answer)
    return answer


async def barge_in(connection):
    """A spoken question, its spoken answer, and an interruption in the middle of it."""
    await connection.session.update(session={"type": "realtime", "audio": {"input": {
        "transcription": {"model": "gpt-4o-mini-transcribe"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}}})
    await speak(connection, "question.wav")
    events = await until(connection, "conversation.item.input_audio_transcription.completed")
    heard = events[-1]
    events += await until(connection, "response.output_audio.delta")
    started, stopped = (of(events, f"input_audio_buffer.speech_{what}")[0] for what in ("started", "stopped"))
    check(started.item_id == stopped.item_id and started.audio_start_ms < stopped.audio_end_ms, (started, stopped))
    check(of(events, "input_audio_buffer.committed")[0].item_id == started.item_id, "it is that turn")
    interruption = asyncio.create_task(speak(connection, "interruption.wav"))
    events += await until(connection, "response.done")
    await interruption
    check(heard.transcript == "Please tell me a story." and heard.item_id == started.item_id, heard)
    done = events[-1].response
    check(done.status == "cancelled" and done.status_details.reason == "turn_detected", done)
    audio = b"".join(base64.b64decode(event.delta) for event in of(events, "response.output_audio.delta"))
    story = done.output[0].content[0].transcript
    check(story.startswith(STORY) and not story.endswith("sleep.") and len(audio) > 0, story)
    ms = len(audio) // 48
    await connection.conversation.item.truncate(item_id=done.output[0].id, content_index=0, audio_end_ms=ms // 2)
    events = await until(connection, "response.done")
    check(of(events, "conversation.item.truncated")[0].audio_end_ms == ms // 2, "the story is cut")
    answer = events[-1].response.output[0].content[0].transcript
    check(events[-1].response.status == "completed" and answer == "Sure, I will stop.", answer)
    return f"{story!r} ({ms} ms) .. {answer!r}"


async def main():
    with served() as base_url:
        client = AsyncOpenAI(base_url=base_url, api_key=KEY)
        for conversation in (text, tools, barge_in):
            async with client.realtime.connect(model=MODEL) as connection:
                said = await asyncio.wait_for(conversation(connection), 60)
                print(f"{conversation.__name__}: {said}")
    print(f"openai {__version__}: all conversations were held")


asyncio.run(main())
