"""The official Python client's REST calls against the served simulator: client secrets, calls, hang up.

usage: python rest.py PATH_OF_SERVE
"""

import asyncio

import openai
from common import KEY, MODEL, check, served
from openai import AsyncOpenAI, __version__

OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
SESSION = {"type": "realtime", "model": MODEL, "instructions": "Be brief.", "output_modalities": ["text"]}


async def client_secret(client, base_url):
    """A key is created, and opens the session that it was created for."""
    secret = await client.realtime.client_secrets.create(
        session=SESSION, expires_after={"anchor": "created_at", "seconds": 60})
    check(secret.value.startswith("ek_") and secret.session.instructions == "Be brief.", secret)
    browser = AsyncOpenAI(base_url=base_url, api_key=secret.value)
    async with browser.realtime.connect(model=MODEL) as connection:
        created = await connection.recv()
        check(created.type == "session.created" and created.session.instructions == "Be brief.", created)
    try:
        await browser.realtime.client_secrets.create(session=SESSION)
    except openai.AuthenticationError as error:
        check(error.code == "invalid_api_key", error)
    else:
        raise AssertionError("a key has created another one")
    return secret.session.type


async def calls(client, base_url):
    """A call from an offer, in a form and alone; it is joined, and hung up once."""
    for arguments in ({"sdp": OFFER, "session": SESSION}, {"sdp": OFFER}):
        answer = await client.realtime.calls.create(**arguments)
        call = answer.response.headers["location"].rsplit("/", 1)[-1]
        check(call.startswith("rtc_") and answer.text.startswith("v=0"), answer.text)
        async with client.realtime.connect(call_id=call) as connection:
            created = await connection.recv()
            check(created.type == "session.created", created)
            await client.realtime.calls.hangup(call)
            async for event in connection:
                check(event.type != "error", event)
        try:
            await client.realtime.calls.hangup(call)
        except openai.NotFoundError as error:
            check(error.code == "call_not_found", error)
        else:
            raise AssertionError("a call was hung up twice")
    return call[:4]


async def refusals(client, base_url):
    """What is wrong is said with the member at fault."""
    try:
        await client.realtime.client_secrets.create(expires_after={"anchor": "created_at", "seconds": 5})
    except openai.BadRequestError as error:
        check(error.param == "expires_after.seconds", error)
        return error.param
    raise AssertionError("five seconds were accepted")


async def main():
    with served() as base_url:
        client = AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0)
        for conversation in (client_secret, calls, refusals):
            said = await asyncio.wait_for(conversation(client, base_url), 60)
            print(f"{conversation.__name__}: {said}")
    print(f"openai {__version__}: all requests were answered")


asyncio.run(main())
