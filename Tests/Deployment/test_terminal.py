"""What commands do on a terminal, and what they do elsewhere."""

import csv
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest
from conftest import eventually, run

pytestmark = pytest.mark.stack
ESCAPE = "\x1b"


class Screen:
    """A program on a terminal of its own, of 24 lines."""

    def __init__(self, command, environment):
        self.reader, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=terminal, stdout=terminal, stderr=terminal, close_fds=True,
            start_new_session=True, preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
            env={**environment, "TERM": "xterm"})
        self.terminal = terminal
        self.before = self.modes()
        self.text = ""

    def modes(self):
        import termios

        return termios.tcgetattr(self.terminal)

    def read(self):
        while select.select([self.reader], [], [], 0)[0]:
            self.text += os.read(self.reader, 65536).decode(errors="replace")
        return self.text

    def type(self, keys):
        os.write(self.reader, keys)

    def ended(self):
        eventually("the program has ended", lambda: (self.read(), self.process.poll() is not None)[1])
        self.read()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.reader)
        os.close(self.terminal)


@pytest.fixture
def screen(weir, admin):
    screens = []

    def start(*words, **environment):
        screens.append(Screen([weir, *words], {**admin.environment, "NO_COLOR": "", **environment}))
        return screens[-1]

    yield start
    for one in screens:
        one.close()


@pytest.mark.parametrize("end", ["q", "ctrl-c", "term"])
def test_top_redraws_in_place_and_gives_the_terminal_back(screen, end):
    top = screen("top", "--interval", "1s")
    eventually("it has drawn twice", lambda: len(re.findall(r"\x1b\[H", top.read())) >= 2)
    assert "spend" in top.text and "TEAM" in top.text and "lag" in top.text
    assert top.text.startswith(f"{ESCAPE}[?1049h{ESCAPE}[?25l"), "another screen, without a cursor"
    if end == "term":
        top.process.send_signal(signal.SIGTERM)
    else:
        top.type(b"q" if end == "q" else b"\x03")
    assert top.ended() == 0
    assert top.text.endswith(f"{ESCAPE}[?25h{ESCAPE}[?1049l")
    assert top.modes() == top.before


def test_top_prints_blocks_into_a_pipe(weir, admin):
    process = subprocess.Popen([weir, "top", "--interval", "1s"], env=admin.environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        lines = []
        while sum(line.startswith("weir  ") for line in lines) < 2:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            lines.append(line.rstrip("\n"))
        assert not any(ESCAPE in line for line in lines)
        second = max(i for i, line in enumerate(lines) if line.startswith("weir  "))
        assert lines[second - 1] == "", "an empty line between blocks"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def test_top_counts_what_was_called_between_two_looks(admin, ready, weir):
    import urllib.request

    process = subprocess.Popen([weir, "top", "--interval", "1s", "--json"], env=admin.environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True)
    try:
        first = json.loads(process.stdout.readline())
        assert "rates" not in first or first["rates"] is None
        body = {"model": "claude-sonnet-4", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
        for _ in range(4):
            request = urllib.request.Request(
                ready["gateways"][0] + "/v1/messages", json.dumps(body).encode(),
                {"x-api-key": ready["keys"]["globex/carol"], "content-type": "application/json", "anthropic-version": "2023-06-01"})
            urllib.request.urlopen(request).read()
        calls = spent = 0
        while calls < 4:
            view = json.loads(process.stdout.readline())
            globex = [team for team in view["teams"] if team["team"] == "globex"]
            if globex:
                calls += globex[0]["calls"]
                spent += globex[0]["spend_micros"]
            assert view["rates"]["admits_per_second"] >= 0
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", view["at"])
        assert calls == 4 and spent > 0
    finally:
        process.kill()
        process.wait()


def test_top_once_shows_one_block_with_rates(admin):
    text = admin("top", "--once", "--interval", "1s").stdout
    assert text.count("spend  ") == 1 and "per second" in text
    assert isinstance(json.loads(admin("top", "--once", "--interval", "1s", "--json").stdout)["rates"]["seconds"], (int, float))


def test_top_that_cannot_ask_says_so_and_fails(weir, admin):
    finished = run(weir, "top", env={**admin.environment, "WEIR_ADMIN_URL": "http://127.0.0.1:1"}, ok=False)
    assert finished.returncode == 1 and "cannot reach the admin API" in finished.stderr
    assert ESCAPE not in finished.stdout


def test_tables_are_coloured_on_a_terminal_alone(screen, admin):
    coloured = screen("keys", "list")
    assert coloured.ended() == 0
    assert f"{ESCAPE}[1mID{ESCAPE}[0m" in coloured.text and f"{ESCAPE}[32mactive{ESCAPE}[0m" in coloured.text
    for quiet in [screen("keys", "list", NO_COLOR="1"), screen("keys", "list", "--color", "never")]:
        assert quiet.ended() == 0 and ESCAPE not in quiet.text
    assert ESCAPE not in admin("keys", "list").stdout
    assert ESCAPE in admin("keys", "list", "--color", "always").stdout


def test_csv_has_the_tables_columns_and_no_formula(admin):
    admin("kill-switch", "on", "--scope", "team:formula", "--reason", '=HYPERLINK("http://x","y")')
    try:
        rows = list(csv.DictReader(admin("kill-switch", "status", "--csv").stdout.splitlines()))
        (row,) = [row for row in rows if row["scope"] == "team:formula"]
        assert row["reason"] == '\'=HYPERLINK("http://x","y")' and row["state"] == "thrown"
    finally:
        admin("kill-switch", "off", "--scope", "team:formula")
    (total,) = [r for r in csv.DictReader(admin("usage", "--by", "team", "--csv").stdout.splitlines()) if r["team"] == "total"]
    assert total["calls"].isdigit() and float(total["cost_usd"]) > 0
    both = admin("usage", "--by", "team", "--csv", "--json", ok=False)
    assert both.returncode == 64 and both.stdout == ""


def test_progress_is_shown_on_a_terminal_and_leaves_no_trace(screen, admin):
    day = time.strftime("%Y-%m-%d", time.gmtime())
    export = screen("ledger", "export", "--from", day, "--to", day)
    assert export.ended() == 0
    assert "exporting [" in export.text and export.text.endswith(f"\r{ESCAPE}[K")
    verify = screen("ledger", "verify")
    assert verify.ended() == 0
    assert "verifying [" in verify.text
    quiet = admin("ledger", "export", "--from", day, "--to", day)
    assert quiet.stderr == "" and all(json.loads(line) for line in quiet.stdout.splitlines())


@pytest.mark.parametrize("words, code", [
    (["usage"], 64), (["nothing"], 64), (["top", "--teams", "0"], 64), (["usage", "--by", "tem"], 64), (["--version"], 0),
    (["--help"], 0), (["keys", "revoke", "wk_nothere"], 1), (["policy", "check", "/nothing/there"], 1),
    (["probe", "http://127.0.0.1:1/healthz"], 1), (["ledger", "verify"], 0),
])
def test_exit_codes_are_those_of_the_page(admin, words, code):
    finished = admin(*words, ok=False)
    assert finished.returncode == code, finished.stderr
    if code == 64:
        assert finished.stdout == "" and "Usage: weir" in finished.stderr
    if code == 1:
        assert finished.stdout + finished.stderr


def test_probe_tells_alive_from_not_there(admin, ready):
    assert json.loads(admin("probe", ready["ops"][0] + "/readyz").stdout)["ready"]
    assert admin("probe", env={"WEIR_PROBE_URL": ready["ops"][0] + "/healthz"}).stdout == "ok\n"
    answer = json.loads(admin("probe", ready["aggregator"] + "/nothing", "--json", ok=False).stdout)
    assert answer["ok"] is False and answer["status"] in (401, 404)
    assert json.loads(admin("probe", "--wait", "20s", ready["aggregator"] + "/readyz").stdout)["status"] == "ok"
