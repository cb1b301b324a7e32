"""Where the gateway is, and clients for it. The variables are explained in `run`."""

import json
import os
import time
import urllib.request
import uuid

import anthropic
import openai
import pytest
from google import genai

REQUIRED = ("WEIR_GATEWAY", "WEIR_KEY")
TIMEOUT_SECONDS = 30


def pytest_configure(config):
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        # A run that tested nothing must not look like one that passed.
        raise pytest.UsageError(f"{' and '.join(missing)} must be set; see Tests/Clients/run")
    # The SDKs read credentials and addresses from here, which would test something else than we say.
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "OPENAI_", "GOOGLE_", "GEMINI_")) or name.lower().endswith("_proxy"):
            del os.environ[name]


def setting(name):
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} must be set for this test; see Tests/Clients/run")
    return value


@pytest.fixture
def key():
    return setting("WEIR_KEY")


@pytest.fixture
def limited_key():
    return setting("WEIR_LIMITED_KEY")


def anthropic_options(key, form="api_key"):
    """The ways in which an Anthropic client can carry its key."""
    base = {"base_url": setting("WEIR_GATEWAY"), "max_retries": 0, "timeout": TIMEOUT_SECONDS}
    match form:
        case "api_key":
            return base | {"api_key": key}
        case "auth_token":
            return base | {"auth_token": key}
        case "x-api-key":
            return base | {"default_headers": {"x-api-key": key}}
    raise ValueError(form)


def openai_options(key):
    return {
        "base_url": setting("WEIR_GATEWAY") + "/v1",
        "api_key": key,
        "max_retries": 0,
        "timeout": TIMEOUT_SECONDS,
    }


def gemini_client(key, **options):
    """Google's client retries only when it is told to (`retry_options`)."""
    http = {"base_url": setting("WEIR_GATEWAY"), "timeout": TIMEOUT_SECONDS * 1000} | options
    return genai.Client(api_key=key, http_options=genai.types.HttpOptions(**http))


@pytest.fixture
def brief_key():
    return setting("WEIR_BRIEF_KEY")


@pytest.fixture
def claude(key):
    with anthropic.Anthropic(**anthropic_options(key)) as client:
        yield client


@pytest.fixture
def gpt(key):
    with openai.OpenAI(**openai_options(key)) as client:
        yield client


@pytest.fixture
def gemini(key):
    with gemini_client(key) as client:
        yield client


class Models:
    """Models that the policy admits and the price table knows."""

    claude = os.environ.get("WEIR_ANTHROPIC_MODEL", "claude-sonnet-4")
    gpt = os.environ.get("WEIR_OPENAI_MODEL", "gpt-4o")
    gemini = os.environ.get("WEIR_GEMINI_MODEL", "gemini-2.5-flash")
    embedding = os.environ.get("WEIR_EMBEDDING_MODEL", "text-embedding-3-small")


@pytest.fixture
def models():
    return Models


class Call:
    """A name for one call, by which the simulator's log finds it again."""

    def __init__(self):
        self.name = uuid.uuid4().hex

    def headers(self, simulate=None):
        headers = {"x-test-call": self.name}
        if simulate:
            headers["x-simulate"] = simulate
        return headers

    def logged(self):
        """What the simulator remembers of the call: nothing, one entry, or more when it was repeated."""
        with urllib.request.urlopen(setting("WEIR_SIMULATOR") + "/log", timeout=TIMEOUT_SECONDS) as answer:
            entries = [json.loads(line) for line in answer]
        return [entry for entry in entries if ["x-test-call", self.name] in (entry["request_headers"] or [])]

    def ended(self):
        """The one entry of the call, as soon as it has ended."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            entries = self.logged()
            if entries and all(entry["outcome"] != "open" for entry in entries):
                assert len(entries) == 1, f"one call reached the provider {len(entries)} times"
                return entries[0]
            time.sleep(0.01)
        pytest.fail(f"the call did not end: {self.logged()}")


@pytest.fixture
def call():
    return Call()
