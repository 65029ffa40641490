"""`livekit-agents`, by its plugin for this protocol, holds its conversations with the served simulator: text, tools,
audio, barge-in. No LiveKit server takes part: only what speaks to the service.

usage: python livekit_plugin.py PATH_OF_SERVE
"""

import asyncio
import json
from importlib.metadata import version

import aiohttp
from common import KEY, MODEL, STORY, WEATHER, check, pieces, served
from livekit import rtc
from livekit.agents import llm
from livekit.plugins import openai
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad


@llm.function_tool
async def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


class Session:
    """A session of the plugin. An error is a failure."""

    def __init__(self, session):
        self.session = session
        self.failed = asyncio.get_running_loop().create_future()
        self.generations = asyncio.Queue()
        self.server = []
        session.on("error", lambda error: self.failed.done() or self.failed.set_exception(error.error))
        session.on("generation_created", self.generations.put_nowait)
        session.on("openai_server_event_received", self.received)

    def received(self, event):
        self.server.append(event)
        if event["type"] == "error" and not self.failed.done():
            self.failed.set_exception(AssertionError(event))

    async def within(self, awaitable):
        """The result, unless there is an error before."""
        wanted = asyncio.ensure_future(awaitable)
        await asyncio.wait({wanted, self.failed}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        if self.failed.done():
            self.failed.result()
        check(wanted.done(), [event["type"] for event in self.server])
        return wanted.result()

    async def say(self, text):
        context = self.session.chat_ctx.copy()
        context.add_message(role="user", content=text)
        await self.within(self.session.update_chat_ctx(context))

    async def speak(self, name):
        for piece in pieces(name):
            self.session.push_audio(rtc.AudioFrame(piece, 24_000, 1, len(piece) // 2))
            await asyncio.sleep(0.004)

    async def until(self, kind, count=1):
        """Waits for so many events of the server's."""
        async def seen():
            while sum(event["type"] == kind for event in self.server) < count:
                await asyncio.sleep(0.01)
        await self.within(seen())


async def messages(generation):
    """Every message of a response: its id, its text, and how many milliseconds it is heard."""
    found = []
    async for message in generation.message_stream:
        words, heard = [], 0.0

        async def read(stream=message.text_stream):
            async for word in stream:
                words.append(str(word))

        reading = asyncio.create_task(read())
        async for frame in message.audio_stream:
            heard += frame.duration
        await reading
        found.append((message.message_id, "".join(words), round(heard * 1000)))
    return found


async def calls(generation):
    return [call async for call in generation.function_stream]


async def text(session):
    await session.say("Say hi in three words")
    generation = await session.within(session.session.generate_reply())
    [(_, answer, _)] = await session.within(messages(generation))
    check(answer == "Hi there, friend!", answer)
    return answer


async def tools(session):
    await session.within(session.session.update_tools([get_weather]))
    await session.say(WEATHER)
    generation = await session.within(session.session.generate_reply())
    called = await session.within(calls(generation))
    check([call.name for call in called] == ["get_weather"] * 2, called)
    context = session.session.chat_ctx.copy()
    for call in called:
        output = await get_weather(**json.loads(call.arguments))
        context.items.append(llm.FunctionCallOutput(
            call_id=call.call_id, name=call.name, output=output, is_error=False))
    await session.within(session.session.update_chat_ctx(context))
    generation = await session.within(session.session.generate_reply())
    [(_, answer, _)] = await session.within(messages(generation))
    check(answer == "The last one says: sunny in São Paulo", answer)
    return answer


async def barge_in(session):
    """A spoken question, its spoken answer, and an interruption in the middle of it."""
    await session.speak("question.wav")
    generation = await session.within(session.generations.get())
    story = asyncio.create_task(messages(generation))
    await session.until("response.output_audio.delta", 6)
    await session.speak("interruption.wav")
    [(item, begun, ms)] = await session.within(story)
    check(begun.startswith(STORY) and not begun.endswith("sleep.") and ms > 0, begun)
    session.session.truncate(message_id=item, modalities=["audio"], audio_end_ms=ms // 2)
    await session.until("conversation.item.truncated")
    [(_, answer, heard)] = await session.within(messages(await session.within(session.generations.get())))
    check(answer == "Sure, I will stop." and heard > 0, answer)
    await session.until("conversation.item.input_audio_transcription.completed")
    return f"{begun!r} ({ms} ms) .. {answer!r}"


async def main():
    turns = ServerVad(type="server_vad", silence_duration_ms=500, create_response=True, interrupt_response=True)
    with served() as base_url:
        async with aiohttp.ClientSession() as http:
            for conversation in (text, tools, barge_in):
                modalities = ["audio"] if conversation is barge_in else ["text"]
                model = openai.realtime.RealtimeModel(
                    model=MODEL, base_url=base_url, api_key=KEY, modalities=modalities, turn_detection=turns,
                    http_session=http)
                session = Session(model.session())
                said = await conversation(session)
                print(f"{conversation.__name__}: {said}")
                await session.session.aclose()
                await model.aclose()
    names = ", ".join(f"{name} {version(name)}" for name in ("livekit-agents", "livekit-plugins-openai"))
    print(f"{names}: all conversations were held")


asyncio.run(main())
