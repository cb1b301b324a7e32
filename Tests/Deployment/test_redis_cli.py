"""docs/redis-cli.md: every command of it is run, and answers what the page says it does."""

import json
import re
import subprocess
import urllib.request
from urllib.parse import urlsplit

import pytest
from conftest import ROOT, eventually, run

pytestmark = pytest.mark.stack
PAGE = (ROOT / "docs/redis-cli.md").read_text()
QUESTIONS = re.split(r"^## \d+\. ", PAGE, flags=re.MULTILINE)[1:]


def commands(question):
    """The lines of its first block of commands."""
    block = re.search(r"```sh\n(.*?)```", question, re.DOTALL)
    return block.group(1).splitlines()


@pytest.fixture(scope="module", autouse=True)
def calls(ready, admin):
    """What the page says has happened: acme's alice has called, and a team is limited."""
    body = {"model": "claude-sonnet-4", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
    for _ in range(3):
        request = urllib.request.Request(
            ready["gateways"][0] + "/v1/messages", json.dumps(body).encode(),
            {"x-api-key": ready["keys"]["acme/alice"], "content-type": "application/json", "anthropic-version": "2023-06-01"})
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
    admin("limited", "add", "limited", "--resource", "ai_credits", "--for", "1h")
    yield
    admin("limited", "remove", "limited", "--resource", "ai_credits")


@pytest.fixture(scope="module")
def ask(ready):
    """Runs a line of the page; who may only look, except where it changes something."""
    port = urlsplit(ready["redis"]).port

    def line(text):
        user = "weir-inspect"
        if re.match(r"redis-cli (ZADD|ZREM|HSET|HDEL|SET|DEL) ", text):
            user = "weir-admin"
        assert text.startswith("redis-cli "), text
        login = f"redis-cli --no-auth-warning -p {port} --user {user} --pass any "
        finished = subprocess.run(
            ["bash", "-euc", text.replace("redis-cli ", login, 1)], capture_output=True, text=True, timeout=60)
        assert finished.returncode == 0 and not finished.stderr, finished.stderr
        answer = finished.stdout.strip()
        assert not re.match(r"(ERR|NOPERM|WRONGTYPE|NOAUTH)", answer), f"{text}: {answer}"
        return answer

    return line


def test_there_are_ten_questions_each_with_its_commands():
    assert len(QUESTIONS) == 10
    assert all(commands(question) for question in QUESTIONS)


def test_1_the_shard_of_a_team(ask):
    for command in commands(QUESTIONS[0]):
        found = ask(command)
        assert found.splitlines() and all(key.startswith("weir:{12}:") for key in found.splitlines())


def test_2_readiness_and_leader(ask):
    leader, ready = map(ask, commands(QUESTIONS[1]))
    assert re.fullmatch(r"\S+ \d+ \d+", leader)
    assert ready == "16"


def test_3_what_is_spent(ask):
    (command,) = commands(QUESTIONS[2])
    words = ask(command).split()
    assert words[words.index("settled") + 1].isdigit() and int(words[words.index("settled") + 1]) > 0
    assert words[words.index("reserved") + 1].isdigit()


def test_4_the_window(ask):
    kind, entries = commands(QUESTIONS[3])
    # The policy of the tests admits 100,000 calls a minute: a ring. The page's example has a small limit.
    stored = ask(kind)
    assert stored in ("zset", "hash")
    if stored == "zset":
        assert re.match(r"[0-9A-Z]{26}\n\d{13}", ask(entries))
    else:
        words = ask(entries.replace("ZRANGE", "HGETALL").replace(" 0 -1 WITHSCORES", "")).split()
        assert int(words[words.index("t") + 1]) >= 3


def test_5_what_is_running(ask):
    count, entries = commands(QUESTIONS[4])
    assert int(ask(count)) >= 3
    assert re.search(r"^[0-9A-Z]{26}$", ask(entries), re.MULTILINE)
    assert "settled" in ask(entries)


def test_6_who_is_limited(ask):
    entries, of_ledger = commands(QUESTIONS[5])
    words = ask(entries).split()
    assert words[words.index("limited") + 1].isdigit()
    ask(of_ledger)


def test_7_limiting_by_hand_is_seen_by_everybody(ask, admin):
    add, remove = commands(QUESTIONS[6])
    assert ask(add) == "1"
    assert "acme" in admin("limited", "list", "--csv").stdout
    assert ask(remove) == "1"
    assert "acme" not in admin("limited", "list", "--csv").stdout


def test_8_stopping_everything_by_hand_is_seen_by_everybody(ask, admin):
    on, show, off = commands(QUESTIONS[7])
    assert ask(on) == "1"
    try:
        assert "global\non" in ask(show)
        assert "global,thrown" in admin("kill-switch", "status", "--csv").stdout
    finally:
        assert ask(off) == "1"


def test_9_an_amount_of_ones_own(ask):
    put, show, remove = commands(QUESTIONS[8])
    assert ask(put) == "OK"
    assert ask(show) == "75000000"
    assert ask(remove) == "1"


def test_10_the_ledger_keeps_up(ask):
    waiting, pending, committed = commands(QUESTIONS[9])
    eventually("all events are in the ledger", lambda: ask(waiting) == "0")
    assert ask(pending).splitlines()[0] == "0"
    assert "below" in ask(committed).split()


def test_who_only_looks_is_enough_for_the_doctor(ready, weir):
    port = urlsplit(ready["redis"]).port
    finished = run(weir, "doctor", "--redis", f"redis://weir-inspect:any@127.0.0.1:{port}", "--json")
    assert json.loads(finished.stdout)["ok"]
