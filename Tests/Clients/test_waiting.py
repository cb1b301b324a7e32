"""Clients with their own retries wait when waiting helps, and stop at once when it does not."""

import time

import anthropic
import openai
import pytest
from conftest import TIMEOUT_SECONDS, anthropic_options, gemini_client, openai_options
from google.genai import types

pytestmark = pytest.mark.gateway
HELLO = [{"role": "user", "content": "Say hello."}]


def ask_claude(key, models, retries):
    with anthropic.Anthropic(**(anthropic_options(key) | {"max_retries": retries})) as client:
        return client.messages.with_raw_response.create(model=models.claude, max_tokens=10, messages=HELLO)


def ask_gpt(key, models, retries):
    with openai.OpenAI(**(openai_options(key) | {"max_retries": retries})) as client:
        return client.chat.completions.with_raw_response.create(model=models.gpt, messages=HELLO)


def ask_responses(key, models, retries):
    with openai.OpenAI(**(openai_options(key) | {"max_retries": retries})) as client:
        return client.responses.with_raw_response.create(model=models.gpt, input="Say hello.")


ASKS = [ask_claude, ask_gpt, ask_responses]


@pytest.mark.parametrize("ask", ASKS)
def test_a_short_wait_is_waited_for(brief_key, models, ask):
    """One call in three seconds: of calls one right after the other, some have to wait, and none fails."""
    deadline = time.monotonic() + 4 * TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        answer = ask(brief_key, models, retries=8)
        assert answer.http_response.status_code == 200
        if answer.retries_taken > 0:
            return
    pytest.fail("no call had to wait")


@pytest.mark.parametrize(
    ("ask", "error"),
    [(ask_claude, anthropic.RateLimitError), (ask_gpt, openai.RateLimitError), (ask_responses, openai.RateLimitError)],
)
def test_a_long_wait_is_not_waited_for(limited_key, models, ask, error):
    with pytest.raises(error) as caught:
        ask(limited_key, models, retries=8)
    response = caught.value.response
    assert response.headers["x-should-retry"] == "false"
    assert response.request.headers["x-stainless-retry-count"] == "0", "it was asked again"


def test_claude_code_is_told_in_its_own_way(limited_key, models):
    with pytest.raises(anthropic.RateLimitError) as caught:
        ask_claude(limited_key, models, retries=0)
    assert caught.value.response.headers["anthropic-ratelimit-unified-status"] == "rejected"
    assert int(caught.value.response.headers["anthropic-ratelimit-unified-reset"]) > time.time()


def test_google_waits_when_it_is_told_to(brief_key, models):
    retry = types.HttpRetryOptions(attempts=8, initial_delay=1, max_delay=4)
    with gemini_client(brief_key, retry_options=retry) as client:
        for _ in range(2):
            assert client.models.generate_content(model=models.gemini, contents="Say hello.").text


@pytest.mark.parametrize("ask", ASKS)
def test_an_admitted_call_tells_what_is_left(key, models, ask):
    headers = ask(key, models, retries=0).headers
    assert ";r=" in headers["ratelimit"] and ";q=" in headers["ratelimit-policy"]
    name = "anthropic-ratelimit-{}-{}" if ask is ask_claude else "x-ratelimit-{1}-{0}"
    for unit in ("requests", "tokens"):
        limit, remaining = (int(headers[name.format(unit, what)]) for what in ("limit", "remaining"))
        assert 0 < remaining < limit
        assert headers[name.format(unit, "reset")]
