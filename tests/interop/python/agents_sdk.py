"""`openai-agents` holds its conversations with the served simulator: text, tools, audio, barge-in.

usage: python agents_sdk.py PATH_OF_SERVE
"""

import asyncio
import sys
from importlib.metadata import version

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner
from common import KEY, MODEL, STORY, WEATHER, check, pieces, served


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


class Session:
    """An agent's session, and the events that it has had. An error is a failure."""

    def __init__(self, session):
        self.session = session
        self.events = []
        self.came = asyncio.Condition()

    async def listen(self):
        async for event in self.session:
            async with self.came:
                self.events.append(event)
                self.came.notify_all()

    def of(self, kind):
        return [event for event in self.events if event.type == kind]

    def raw(self, kind):
        """The server's own events of a type."""
        events = (event.data for event in self.of("raw_model_event"))
        raw = (event.data for event in events if event.type == "raw_server_event")
        return [event for event in raw if event["type"] == kind]

    def said(self):
        """Who said what so far."""
        updates = self.of("history_updated")
        messages = [item for item in updates[-1].history if item.type == "message"] if updates else []

        def words(part):
            return getattr(part, "text", None) or getattr(part, "transcript", None) or ""

        return [f"{item.role}: {' '.join(words(part) for part in item.content)}" for item in messages]

    async def until(self, condition):
        async with self.came:
            await self.came.wait_for(lambda: self.of("error") or condition())
        check(not self.of("error"), self.of("error"))


async def text(session):
    await session.session.send_message("Say hi in three words")
    await session.until(lambda: session.of("agent_end"))
    await session.until(lambda: "assistant: Hi there, friend!" in session.said())
    check(session.said() == ["user: Say hi in three words", "assistant: Hi there, friend!"], session.said())
    return " / ".join(session.said())


async def tools(session):
    await session.session.send_message(WEATHER)
    await session.until(lambda: len(session.of("tool_end")) == 2)
    outputs = sorted(event.output for event in session.of("tool_end"))
    check(outputs == ["sunny in Lisbon", "sunny in São Paulo"], outputs)
    await session.until(lambda: any(text.startswith("assistant: The last one says: sunny") for text in session.said()))
    return session.said()[-1]


async def barge_in(session):
    """A spoken question, its spoken answer, and an interruption in the middle of it."""
    for piece in pieces("question.wav"):
        await session.session.send_audio(piece)
        await asyncio.sleep(0.004)
    await session.until(lambda: len(session.of("audio")) >= 4)
    for piece in pieces("interruption.wav"):
        await session.session.send_audio(piece)
        await asyncio.sleep(0.004)
    await session.until(lambda: session.of("audio_interrupted"))
    await session.until(lambda: session.raw("conversation.item.truncated"))
    await session.until(lambda: len(session.raw("response.done")) == 2)
    first, second = (event["response"] for event in session.raw("response.done"))
    check((first["status"], second["status"]) == ("cancelled", "completed"), (first, second))
    answer = second["output"][0]["content"][0]["transcript"]
    check(answer == "Sure, I will stop.", answer)
    await session.until(lambda: "user: Please tell me a story." in session.said())
    # The SDK asks for each item that has gone by, among them the answer that is still being made.
    retrieved = [event["item"]["status"] for event in session.raw("conversation.item.retrieved")]
    # (The example `model` answers once it knows what was said, so there is none by then.)
    check("in_progress" in retrieved or sys.argv[1].endswith("model"), retrieved)
    return f"{STORY!r}.. / {answer!r}"


async def main():
    turns = {"type": "server_vad", "silence_duration_ms": 500}
    settings = {
        text: {"output_modalities": ["text"]},
        tools: {"output_modalities": ["text"]},
        barge_in: {"audio": {"input": {
            "transcription": {"model": "gpt-4o-mini-transcribe"}, "turn_detection": turns}}},
    }
    with served() as base_url:
        url = f"{base_url.replace('http', 'ws', 1)}/realtime?model={MODEL}"
        for conversation, initial in settings.items():
            agent = RealtimeAgent(name="Agent", tools=[get_weather] if conversation is tools else [])
            runner = RealtimeRunner(agent, config={"tracing_disabled": True})
            config = {"api_key": KEY, "url": url, "initial_model_settings": {"model_name": MODEL, **initial}}
            async with await runner.run(model_config=config) as running:
                session = Session(running)
                listening = asyncio.create_task(session.listen())
                try:
                    said = await asyncio.wait_for(conversation(session), 60)
                except TimeoutError:
                    raise AssertionError([event.type for event in session.events]) from None
                finally:
                    listening.cancel()
                print(f"{conversation.__name__}: {said}")
    print(f"openai-agents {version('openai-agents')}: all conversations were held")


asyncio.run(main())
