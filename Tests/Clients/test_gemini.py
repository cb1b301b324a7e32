"""The official `google-genai` package: everything a program does with it must work through the gateway."""

import asyncio

import pytest
from conftest import gemini_client
from denials import REASONS
from google.genai import errors, types

USAGE = "input=100;cache-read=7;output=30;reasoning=10"
TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name="get_weather",
                parameters=types.Schema(type="OBJECT", properties={"text": types.Schema(type="STRING")}),
            )
        ]
    )
]


def config(simulate=None, headers=None, **options):
    headers = headers or ({"x-simulate": simulate} if simulate else {})
    return types.GenerateContentConfig(http_options=types.HttpOptions(headers=headers), **options)


def create(client, models, simulate=None, headers=None, contents="Say hello.", **options):
    return client.models.generate_content(
        model=models.gemini, contents=contents, config=config(simulate, headers, **options)
    )


def stream(client, models, simulate=None, headers=None, **options):
    return client.models.generate_content_stream(
        model=models.gemini, contents="Say hello.", config=config(simulate, headers, **options)
    )


def assert_usage(usage):
    assert usage.prompt_token_count == 107
    assert usage.cached_content_token_count == 7
    assert usage.candidates_token_count == 20
    assert usage.thoughts_token_count == 10
    assert usage.total_token_count == 137


def weir_object(error):
    """The package shows the whole body as `details`."""
    weir = error.details["weir"]
    assert weir == error.details["error"]["weir"]
    return weir


def test_plain(gemini, models, call):
    answer = create(gemini, models, headers=call.headers(USAGE))
    assert answer.model_version == models.gemini
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert len(answer.text) == 80
    assert_usage(answer.usage_metadata)
    entry = call.ended()
    assert entry["outcome"] == "completed"
    assert entry["output_tokens"] == 30 and entry["reasoning_tokens"] == 10


def test_system_prompt_reaches_the_provider(gemini, models):
    short = create(gemini, models).usage_metadata.prompt_token_count
    long = create(gemini, models, system_instruction="Be brief, and do not shout. " * 100)
    # Unless told otherwise, the simulator counts a token for each four bytes of the request.
    assert long.usage_metadata.prompt_token_count >= short + 600


def test_stream(gemini, models, call):
    chunks = list(stream(gemini, models, headers=call.headers(USAGE + ";chunks=4")))
    assert len("".join(chunk.text or "" for chunk in chunks)) == 80
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert_usage(chunks[-1].usage_metadata)
    assert call.ended()["output_tokens"] == 30


def test_candidates_and_bound(gemini, models, call):
    answer = create(gemini, models, headers=call.headers("output=9"), candidate_count=3, max_output_tokens=4)
    assert [candidate.finish_reason for candidate in answer.candidates] == [types.FinishReason.MAX_TOKENS] * 3
    assert answer.usage_metadata.candidates_token_count == 12
    assert call.ended()["output_tokens"] == 12


def test_tool_call(gemini, models):
    answer = create(gemini, models, "tool=get_weather;output=8", tools=TOOLS)
    function = answer.function_calls[0]
    assert function.name == "get_weather" and function.args["text"]
    turns = [
        types.Content(role="user", parts=[types.Part(text="Say hello.")]),
        answer.candidates[0].content,
        types.Content(role="user", parts=[types.Part.from_function_response(name=function.name, response={"a": 1})]),
    ]
    second = create(gemini, models, contents=turns, tools=TOOLS)
    assert second.candidates[0].finish_reason == types.FinishReason.STOP


def test_image(gemini, models):
    image = types.Part.from_bytes(data=b"\x89PNG" * 100, mime_type="image/png")
    assert create(gemini, models, contents=[image, "What is it?"]).text


def test_count_tokens(gemini, models):
    counted = gemini.models.count_tokens(
        model=models.gemini,
        contents="Say hello.",
        config=types.CountTokensConfig(http_options=types.HttpOptions(headers={"x-simulate": "input=42"})),
    )
    assert counted.total_tokens == 42


def test_models(gemini, models):
    assert f"models/{models.gemini}" in {model.name for model in gemini.models.list()}


def test_async(key, models):
    async def both():
        client = gemini_client(key).aio
        answer = await client.models.generate_content(
            model=models.gemini, contents="Say hello.", config=config(USAGE)
        )
        chunks = [
            chunk
            async for chunk in await client.models.generate_content_stream(
                model=models.gemini, contents="Say hello.", config=config(USAGE)
            )
        ]
        return answer, chunks

    answer, chunks = asyncio.run(both())
    assert_usage(answer.usage_metadata)
    assert_usage(chunks[-1].usage_metadata)


@pytest.mark.gateway
def test_wrong_key(models, call):
    with gemini_client("weir_no-such-key") as client:
        with pytest.raises(errors.ClientError) as caught:
            create(client, models, headers=call.headers())
    assert caught.value.code == 401 and caught.value.status == "UNAUTHENTICATED"
    assert weir_object(caught.value)["reason"] == "unauthorized"
    assert call.logged() == []


@pytest.mark.gateway
@pytest.mark.parametrize("act", [create, lambda *given, **named: list(stream(*given, **named))])
def test_denial(limited_key, models, act, call):
    with gemini_client(limited_key) as client:
        with pytest.raises(errors.ClientError) as caught:
            act(client, models, headers=call.headers())
    error = caught.value
    assert error.code == 429 and error.status == "RESOURCE_EXHAUSTED"
    weir = weir_object(error)
    assert weir["reason"] in REASONS and weir["retry_after"] >= 1
    assert error.details["error"]["details"][0]["retryDelay"] == f"{weir['retry_after']}s"
    assert call.logged() == []


@pytest.mark.gateway
def test_batches_are_refused_with_the_reason(gemini, models):
    with pytest.raises(errors.ClientError) as caught:
        gemini.batches.create(model=models.gemini, src=[{"contents": [{"parts": [{"text": "hi"}]}]}])
    assert caught.value.code == 404 and "Batches are not forwarded" in caught.value.message


@pytest.mark.gateway
def test_client_credentials_stay_here(gemini, models, key, call):
    create(gemini, models, headers=call.headers())
    entry = call.ended()
    assert entry["key"] and entry["key"] != key


@pytest.mark.parametrize(("status", "error"), [(429, errors.ClientError), (503, errors.ServerError)])
def test_provider_errors_pass_through(gemini, models, status, error, call):
    with pytest.raises(error) as caught:
        create(gemini, models, headers=call.headers(f"status={status}"))
    assert caught.value.code == status and "weir" not in caught.value.details
    assert call.ended()["status"] == status
