"""The official `anthropic` package: everything a program does with it must work through the gateway."""

import asyncio

import anthropic
import httpx2
import pytest
from conftest import anthropic_options
from denials import assert_from_provider, assert_limit_denial, weir_object

HELLO = [{"role": "user", "content": "Say hello."}]
USAGE = "input=100;output=30;cache-read=7;cache-write-5m=11;cache-write-1h=13"
TOOLS = [
    {
        "name": "get_weather",
        "description": "The weather at a place",
        "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}},
    }
]


def assert_usage(usage):
    assert usage.input_tokens == 100
    assert usage.output_tokens == 30
    assert usage.cache_read_input_tokens == 7
    assert usage.cache_creation_input_tokens == 24
    assert usage.cache_creation.ephemeral_5m_input_tokens == 11
    assert usage.cache_creation.ephemeral_1h_input_tokens == 13


def create(client, models, simulate=None, headers=None, **options):
    headers = headers or ({"x-simulate": simulate} if simulate else {})
    arguments = {"model": models.claude, "max_tokens": 100, "messages": HELLO, "extra_headers": headers}
    return client.messages.create(**(arguments | options))


def test_plain(claude, models, call):
    message = create(claude, models, headers=call.headers(USAGE))
    assert message.model == models.claude
    assert message.stop_reason == "end_turn"
    assert len(message.content) == 1 and len(message.content[0].text) == 120
    assert_usage(message.usage)
    entry = call.ended()
    assert entry["outcome"] == "completed"
    assert entry["output_tokens"] == 30 and entry["cache_write_1h_tokens"] == 13


def test_system_prompt_reaches_the_provider(claude, models):
    short = create(claude, models, system="Be brief.").usage.input_tokens
    long = create(claude, models, system=[{"type": "text", "text": "Be brief, and do not shout. " * 100}])
    # Unless told otherwise, the simulator counts a token for each four bytes of the request.
    assert long.usage.input_tokens >= short + 600


def test_odd_text_is_passed_on(claude, models):
    message = create(claude, models, messages=[{"role": "user", "content": 'é 😀 \u2028 "\\ \0 </script>' * 1000}])
    assert message.stop_reason == "end_turn"


def test_stream_helper(claude, models, call):
    with claude.messages.stream(
        model=models.claude, max_tokens=100, messages=HELLO, extra_headers=call.headers(USAGE + ";chunks=7")
    ) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert len(pieces) == 7
    assert "".join(pieces) == message.content[0].text
    assert_usage(message.usage)
    assert call.ended()["outcome"] == "completed"


def test_raw_stream(claude, models):
    events = list(create(claude, models, USAGE + ";chunks=3", stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"
    assert kinds.count("content_block_delta") == 3
    assert events[0].message.usage.input_tokens == 100
    assert [event.usage.output_tokens for event in events if event.type == "message_delta"] == [30]


def test_stream_arrives_piece_by_piece(claude, models):
    """The first text is there while the provider still waits to send the second, longer than this client would."""
    with create(claude, models, "chunks=2;delay-ms=20000", stream=True, timeout=15) as stream:
        kinds = []
        for event in stream:
            kinds.append(event.type)
            if event.type == "content_block_delta":
                break
    assert kinds[-1] == "content_block_delta" and kinds.count("content_block_delta") == 1


def test_max_tokens(claude, models):
    message = create(claude, models, "output=50", max_tokens=5)
    assert message.stop_reason == "max_tokens" and message.usage.output_tokens == 5


def test_tool_call(claude, models):
    message = create(claude, models, "tool=get_weather;output=8", tools=TOOLS)
    assert message.stop_reason == "tool_use"
    block = message.content[0]
    assert block.type == "tool_use" and block.name == "get_weather" and block.input["text"]
    answer = [
        {"role": "assistant", "content": [block.model_dump(include={"type", "id", "name", "input"})]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": block.id, "content": "Rain."}]},
    ]
    assert create(claude, models, messages=HELLO + answer, tools=TOOLS).stop_reason == "end_turn"


def test_streamed_tool_call(claude, models):
    with claude.messages.stream(
        model=models.claude,
        max_tokens=100,
        messages=HELLO,
        tools=TOOLS,
        extra_headers={"x-simulate": "tool=get_weather;output=8;chunks=4"},
    ) as stream:
        message = stream.get_final_message()
    plain = create(claude, models, "tool=get_weather;output=8", tools=TOOLS)
    assert message.content[0].input == plain.content[0].input


def test_count_tokens(claude, models):
    count = claude.messages.count_tokens(model=models.claude, messages=HELLO, extra_headers={"x-simulate": "input=42"})
    assert count.input_tokens == 42


def test_models(claude):
    assert claude.models.list().data


def test_async(key, models):
    async def both():
        async with anthropic.AsyncAnthropic(**anthropic_options(key)) as client:
            message = await create(client, models, USAGE)
            events = [event.type async for event in await create(client, models, USAGE, stream=True)]
        return message, events

    message, events = asyncio.run(both())
    assert_usage(message.usage)
    assert events[-1] == "message_stop"


@pytest.mark.parametrize("form", ["api_key", "auth_token", "x-api-key"])
def test_credentials_are_alike(key, models, form):
    with anthropic.Anthropic(**anthropic_options(key, form)) as client:
        assert_usage(create(client, models, USAGE).usage)


@pytest.mark.gateway
@pytest.mark.parametrize("form", ["api_key", "auth_token", "x-api-key"])
def test_wrong_key(models, form, call):
    with anthropic.Anthropic(**anthropic_options("weir_no-such-key", form)) as client:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            create(client, models, headers=call.headers())
    assert caught.value.type == "authentication_error"
    assert weir_object(caught.value)["reason"] == "unauthorized"
    assert call.logged() == []


@pytest.mark.gateway
@pytest.mark.parametrize("form", ["api_key", "auth_token", "x-api-key"])
@pytest.mark.parametrize("stream", [False, True])
def test_denial(limited_key, models, form, stream, call):
    with anthropic.Anthropic(**anthropic_options(limited_key, form)) as client:
        with pytest.raises(anthropic.RateLimitError) as caught:
            create(client, models, headers=call.headers(), stream=stream)
    assert caught.value.type == "rate_limit_error"
    assert_limit_denial(caught.value)
    assert call.logged() == []


@pytest.mark.gateway
def test_denial_of_the_stream_helper(limited_key, models):
    with anthropic.Anthropic(**anthropic_options(limited_key)) as client:
        with pytest.raises(anthropic.RateLimitError) as caught:
            with client.messages.stream(model=models.claude, max_tokens=10, messages=HELLO):
                pass
    assert_limit_denial(caught.value)


@pytest.mark.gateway
def test_batches_are_refused_with_the_reason(claude, models):
    call = {"custom_id": "a", "params": {"model": models.claude, "max_tokens": 1, "messages": HELLO}}
    with pytest.raises(anthropic.NotFoundError) as caught:
        claude.messages.batches.create(requests=[call])
    assert caught.value.type == "not_found_error"
    assert "Batches are not forwarded" in str(caught.value)
    assert weir_object(caught.value)["reason"] == "unknown_route"


@pytest.mark.gateway
def test_client_credentials_stay_here(claude, models, key, call):
    create(claude, models, headers=call.headers())
    entry = call.ended()
    assert entry["key"] and entry["key"] != key


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.APIStatusError, "overloaded_error"),
    ],
)
def test_provider_errors_pass_through(claude, models, status, error, kind, stream, call):
    with pytest.raises(error) as caught:
        create(claude, models, headers=call.headers(f"status={status};retry-after=7"), stream=stream)
    assert caught.value.type == kind
    assert caught.value.response.headers["retry-after"] == "7"
    assert_from_provider(caught.value, status)
    assert call.ended()["status"] == status


def test_bad_request(claude, models):
    with pytest.raises(anthropic.BadRequestError):
        create(claude, models, max_tokens=0)


def test_sdk_retries_reach_the_provider_each_time(key, models, call):
    options = anthropic_options(key) | {"max_retries": 1}
    with anthropic.Anthropic(**options) as client, pytest.raises(anthropic.InternalServerError):
        create(client, models, headers=call.headers("status=500"))
    assert [entry["outcome"] for entry in call.logged()] == ["error", "error"]


def test_closing_a_stream_ends_the_call(claude, models, call):
    stream = create(claude, models, headers=call.headers("input=100;output=50;chunks=50;delay-ms=50"), stream=True)
    for event in stream:
        if event.type == "content_block_delta":
            break
    stream.close()
    entry = call.ended()
    # A gateway may read on for a while to learn the real usage, so both ends are right.
    assert entry["outcome"] in {"client_gone", "completed"} and entry["input_tokens"] == 100
    assert create(claude, models).stop_reason == "end_turn"


def test_a_stream_that_breaks_is_an_error(claude, models):
    """A gateway may cut the connection too, or end the stream with an error event; it may not look complete."""
    with pytest.raises((anthropic.APIError, httpx2.TransportError)):
        with claude.messages.stream(
            model=models.claude,
            max_tokens=100,
            messages=HELLO,
            extra_headers={"x-simulate": "chunks=5;reset-after=2"},
        ) as stream:
            stream.get_final_message()
