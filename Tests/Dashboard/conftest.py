"""A browser that has signed in, and a ledger with more in it than any client could send."""

import json
import os
import shutil
import sqlite3
import time
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

REQUIRED = ("WEIR_DASHBOARD", "WEIR_ADMIN_TOKEN", "WEIR_LEDGER")
TEAMS = 10_000
EVIL = "<script>window.evil=1</script>"
EVIL_ATTRIBUTE = "\"><img src=x onerror=window.evil=1>"
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}


def pytest_configure(config):
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        # A run that tested nothing must not look like one that passed.
        raise pytest.UsageError(f"{' and '.join(missing)} must be set; see Tests/Dashboard/run")


BASE = os.environ.get("WEIR_DASHBOARD", "")
TOKEN = os.environ.get("WEIR_ADMIN_TOKEN", "")


def api(method, path, body=None, kind="application/json"):
    """The admin API, as a program asks it."""
    data = None if body is None else (json.dumps(body) if kind == "application/json" else body).encode()
    request = urllib.request.Request(
        BASE + "/admin/v1/" + path, data=data, method=method,
        headers={"authorization": "Bearer " + TOKEN, "content-type": kind, "weir-actor": "tests"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def eventually(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"{what} did not happen in {seconds} s")


@pytest.fixture(scope="session")
def ledger():
    """10,000 teams over 30 days, and one whose every name is a script. The sums are those of the events, so `weir ledger
    verify` would find nothing; only of the many teams there are sums alone."""
    connection = sqlite3.connect(os.environ["WEIR_LEDGER"], timeout=30)
    now = int(time.time() * 1000)
    sums = []
    for number in range(TEAMS):
        day = time.strftime("%Y-%m-%d", time.gmtime(now / 1000 - 86_400 * (number % 3)))
        sums.append((day, f"team-{number:05}", "user", "default", "messages", "claude-sonnet-4", 1 + number % 7,
                     0, 100, 0, 0, 0, 20, 0, 1000 + number))
    for back in range(30):
        day = time.strftime("%Y-%m-%d", time.gmtime(now / 1000 - 86_400 * back))
        for number, product in enumerate(("default", "slack_app", "search", "trial", EVIL)):
            sums.append((day, "team-00000", "user", product, "messages", "claude-opus-4", 3, 1, 10, 0, 0, 0, 10, 0,
                         1_000_000 * (number + 1) + 90_000 * back))
    evil = [
        ("01EVIL0000000000000000000" + str(index), now - 60_000 * index, EVIL, EVIL_ATTRIBUTE, EVIL, EVIL, EVIL, EVIL,
         EVIL, EVIL, EVIL_ATTRIBUTE, EVIL, EVIL, EVIL, EVIL_ATTRIBUTE, EVIL, EVIL, json.dumps({EVIL: EVIL_ATTRIBUTE}))
        for index in range(3)
    ]
    with connection:
        connection.executemany(
            "INSERT INTO daily_summary VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", sums)
        connection.executemany(
            """INSERT INTO usage_event (id, called_at, team, user, key, session, request, product, billable, class,
                 endpoint, provider, role, task, requested_model, model, input_tokens, cache_read_tokens,
                 cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_micros,
                 price_version, known_model, tool_used, latency_ms, ok, status, outcome, prompt_version, extra)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, 'anthropic', ?, ?, ?, ?, 10, 0, 0, 0, 5, 0, 1234567, ?, 1, ?,
                 250, 1, 200, 'completed', ?, ?)""", evil)
        connection.execute(
            """INSERT INTO daily_summary SELECT date(called_at / 1000, 'unixepoch'), team, user, product, endpoint, model,
                 count(*), 0, sum(input_tokens), 0, 0, 0, sum(output_tokens), 0, sum(cost_micros)
               FROM usage_event WHERE team = ? GROUP BY 1, 2, 3, 4, 5, 6""", (EVIL,))
        connection.execute(
            "INSERT INTO audit (at, actor, \"from\", action, subject, before, after, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (now,) + (EVIL, "local", EVIL, EVIL_ATTRIBUTE, EVIL, EVIL_ATTRIBUTE, EVIL))
        connection.execute(
            "INSERT INTO denial_count VALUES (?, 'n', ?, ?, ?, ?, 5)",
            (time.strftime("%Y-%m-%d", time.gmtime(now / 1000)), EVIL, EVIL_ATTRIBUTE, EVIL, EVIL))
    connection.close()
    return evil


@pytest.fixture(scope="session")
def chromium():
    path = os.environ.get("WEIR_CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.fail("there is no chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Visitor:
    """One browser profile. Whatever a page complains of in the console is an error, and so is any other host."""

    def __init__(self, browser, viewport=DESKTOP, scheme="light", scripts=True):
        self.problems = []
        self.context = browser.new_context(
            viewport=viewport, color_scheme=scheme, java_script_enabled=scripts, reduced_motion="reduce")
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.note(message))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.check(request.url))
        self.page.on("dialog", lambda dialog: self.problems.append(dialog.message))

    def note(self, message):
        # A page that is answered 4xx on purpose is no problem of its own.
        if message.type == "error" and "status of 4" not in message.text:
            self.problems.append(message.text)

    def check(self, url):
        if not url.startswith((BASE, "data:", "blob:")):
            self.problems.append(f"asked elsewhere: {url}")

    def go(self, path):
        answer = self.page.goto(BASE + path, wait_until="load")
        assert answer.status < 500, f"{path}: {answer.status}"
        return answer

    def sign_in(self, token=TOKEN, name="ada"):
        self.go("/")
        self.page.get_by_label("Admin token").fill(token)
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Overview").wait_for()
        return self


@pytest.fixture
def visit(chromium, ledger):
    """Makes visitors, and fails if one saw anything amiss."""
    visitors = []

    def make(signed_in=True, **options):
        visitor = Visitor(chromium, **options)
        visitors.append(visitor)
        return visitor.sign_in() if signed_in else visitor

    yield make
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for visitor in visitors:
        visitor.context.close()
    assert not problems, problems
