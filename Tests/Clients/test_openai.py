"""The official `openai` package: everything a program does with it must work through the gateway."""

import asyncio
import json

import openai
import pytest
from conftest import openai_options
from denials import assert_from_provider, assert_limit_denial, weir_object

HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]
USAGE = "input=100;cache-read=7;output=30;reasoning=10"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
        },
    }
]


def assert_usage(usage):
    assert usage.prompt_tokens == 107
    assert usage.prompt_tokens_details.cached_tokens == 7
    assert usage.completion_tokens == 30
    assert usage.completion_tokens_details.reasoning_tokens == 10
    assert usage.total_tokens == 137


def assert_response_usage(usage):
    assert usage.input_tokens == 107
    assert usage.input_tokens_details.cached_tokens == 7
    assert usage.output_tokens == 30
    assert usage.output_tokens_details.reasoning_tokens == 10


def create(client, models, simulate=None, headers=None, **options):
    headers = headers or ({"x-simulate": simulate} if simulate else {})
    arguments = {"model": models.gpt, "messages": HELLO, "extra_headers": headers}
    return client.chat.completions.create(**(arguments | options))


def text_of(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_plain(gpt, models, call):
    completion = create(gpt, models, headers=call.headers(USAGE))
    assert completion.model == models.gpt
    assert completion.choices[0].finish_reason == "stop"
    assert len(completion.choices[0].message.content) == 80
    assert_usage(completion.usage)
    entry = call.ended()
    assert entry["outcome"] == "completed"
    assert entry["output_tokens"] == 30 and entry["reasoning_tokens"] == 10


def test_system_prompt_reaches_the_provider(gpt, models):
    short = create(gpt, models).usage.prompt_tokens
    long = [{"role": "system", "content": "Be brief, and do not shout. " * 100}, HELLO[1]]
    # Unless told otherwise, the simulator counts a token for each four bytes of the request.
    assert create(gpt, models, messages=long).usage.prompt_tokens >= short + 600


def test_stream_without_usage(gpt, models, call):
    """Who did not ask for usage sees none, though the gateway has asked for itself."""
    chunks = list(create(gpt, models, headers=call.headers(USAGE + ";chunks=4"), stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(len(chunk.choices) == 1 for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert len(text_of(chunks)) == 80
    assert call.ended()["output_tokens"] == 30


def test_stream_with_usage(gpt, models):
    chunks = list(create(gpt, models, USAGE, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert_usage(chunks[-1].usage)
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_stream_helper(gpt, models):
    with gpt.chat.completions.stream(
        model=models.gpt, messages=HELLO, extra_headers={"x-simulate": USAGE}, stream_options={"include_usage": True}
    ) as stream:
        for _ in stream:
            pass
        completion = stream.get_final_completion()
    assert len(completion.choices[0].message.content) == 80
    assert_usage(completion.usage)


def test_stream_arrives_piece_by_piece(gpt, models):
    """The first text is there while the provider still waits to send the second, longer than this client would."""
    text = ""
    with create(gpt, models, "chunks=2;delay-ms=20000", stream=True, timeout=15) as stream:
        for chunk in stream:
            text += text_of([chunk])
            if text:
                break
    assert 0 < len(text) < 80


def test_choices(gpt, models, call):
    completion = create(gpt, models, headers=call.headers("output=9"), n=3, max_completion_tokens=4)
    assert [choice.finish_reason for choice in completion.choices] == ["length"] * 3
    assert completion.usage.completion_tokens == 12
    assert call.ended()["output_tokens"] == 12


def test_tool_call(gpt, models):
    completion = create(gpt, models, "tool=get_weather;output=8", tools=TOOLS)
    assert completion.choices[0].finish_reason == "tool_calls"
    message = completion.choices[0].message
    function = message.tool_calls[0].function
    assert function.name == "get_weather" and json.loads(function.arguments)["text"]
    answer = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Rain."}
    second = create(gpt, models, messages=HELLO + [message, answer], tools=TOOLS)
    assert second.choices[0].finish_reason == "stop"


def test_streamed_tool_call(gpt, models):
    chunks = list(create(gpt, models, "tool=get_weather;output=8;chunks=4", tools=TOOLS, stream=True))
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or []]
    plain = create(gpt, models, "tool=get_weather;output=8", tools=TOOLS)
    assert calls[0].function.name == "get_weather"
    arguments = "".join(call.function.arguments or "" for call in calls)
    assert arguments == plain.choices[0].message.tool_calls[0].function.arguments
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_responses(gpt, models, call):
    response = gpt.responses.create(model=models.gpt, input="Say hello.", extra_headers=call.headers(USAGE))
    assert response.status == "completed" and len(response.output_text) == 80
    assert_response_usage(response.usage)
    assert call.ended()["output_tokens"] == 30


def test_streamed_responses(gpt, models):
    with gpt.responses.stream(
        model=models.gpt, input="Say hello.", extra_headers={"x-simulate": USAGE}
    ) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        response = stream.get_final_response()
    assert response.output_text == text and len(text) == 80
    assert_response_usage(response.usage)


def test_embeddings(gpt, models, call):
    answer = gpt.embeddings.create(model=models.embedding, input=["a", "b"], extra_headers=call.headers("input=9"))
    assert [len(item.embedding) for item in answer.data] == [1536, 1536]
    assert answer.usage.prompt_tokens == 9
    entry = call.ended()
    assert entry["input_tokens"] == 9 and entry["output_tokens"] == 0


def test_models(gpt):
    assert gpt.models.list().data


def test_async(key, models):
    async def both():
        async with openai.AsyncOpenAI(**openai_options(key)) as client:
            completion = await create(client, models, USAGE)
            chunks = [chunk async for chunk in await create(client, models, USAGE, stream=True)]
        return completion, chunks

    completion, chunks = asyncio.run(both())
    assert_usage(completion.usage)
    assert len(text_of(chunks)) == 80


@pytest.mark.gateway
def test_key_as_x_api_key(key, models):
    """The gateway treats both forms alike, in both dialects."""
    headers = {"Authorization": openai.Omit(), "x-api-key": key, "x-simulate": USAGE}
    with openai.OpenAI(**openai_options("unused")) as client:
        assert_usage(create(client, models, headers=headers).usage)


@pytest.mark.gateway
def test_wrong_key(models, call):
    with openai.OpenAI(**openai_options("weir_no-such-key")) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            create(client, models, headers=call.headers())
    assert weir_object(caught.value)["reason"] == "unauthorized"
    assert call.logged() == []


@pytest.mark.gateway
@pytest.mark.parametrize("stream", [False, True])
def test_denial(limited_key, models, stream, call):
    with openai.OpenAI(**openai_options(limited_key)) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            create(client, models, headers=call.headers(), stream=stream)
    assert caught.value.body["message"]
    assert_limit_denial(caught.value)
    assert call.logged() == []


@pytest.mark.gateway
def test_denial_of_responses(limited_key, models):
    with openai.OpenAI(**openai_options(limited_key)) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            client.responses.create(model=models.gpt, input="Say hello.")
    assert_limit_denial(caught.value)


@pytest.mark.gateway
def test_batches_are_refused_with_the_reason(gpt):
    with pytest.raises(openai.NotFoundError) as caught:
        gpt.batches.create(completion_window="24h", endpoint="/v1/chat/completions", input_file_id="file-1")
    assert "Batches are not forwarded" in caught.value.body["message"]
    assert weir_object(caught.value)["reason"] == "unknown_route"
    with pytest.raises(openai.NotFoundError) as caught:
        gpt.files.create(file=b"{}", purpose="batch")
    assert "Files are not forwarded" in caught.value.body["message"]


@pytest.mark.gateway
def test_client_credentials_stay_here(gpt, models, key, call):
    create(gpt, models, headers=call.headers())
    entry = call.ended()
    assert entry["key"] and entry["key"] != key


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "error"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (529, openai.InternalServerError)],
)
def test_provider_errors_pass_through(gpt, models, status, error, stream, call):
    with pytest.raises(error) as caught:
        create(gpt, models, headers=call.headers(f"status={status};retry-after=7"), stream=stream)
    assert caught.value.response.headers["retry-after"] == "7"
    assert_from_provider(caught.value, status)
    assert call.ended()["status"] == status


def test_bad_request(gpt, models):
    with pytest.raises(openai.BadRequestError):
        create(gpt, models, n=0)


def test_closing_a_stream_ends_the_call(gpt, models, call):
    stream = create(gpt, models, headers=call.headers("input=100;output=50;chunks=50;delay-ms=50"), stream=True)
    for chunk in stream:
        if text_of([chunk]):
            break
    stream.close()
    entry = call.ended()
    # A gateway may read on for a while to learn the real usage, so both ends are right.
    assert entry["outcome"] in {"client_gone", "completed"} and entry["input_tokens"] == 100
    assert create(gpt, models).choices[0].finish_reason == "stop"
