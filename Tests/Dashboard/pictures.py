"""Pictures of the dashboard: `pictures.py WEIR DIRECTORY`, into $PICTURES. See `pictures`."""

import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from playwright.sync_api import sync_playwright

weir, work, pictures = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(os.environ["PICTURES"])
TEAMS = {"acme": ["alice", "bob", "erin"], "globex": ["carol", "frank"], "initech": ["dave"], "umbrella": ["grace", "heidi"]}
PRODUCTS = {"default": 10, "slack_app": 6, "trial": 2, "search": 1}
MODELS = {"claude-sonnet-4": 4, "claude-opus-4": 9, "claude-haiku-4": 1, "gpt-4o": 3}


def start(*arguments):
    ready = work / "ready.json"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        [weir, "dev", "--dir", work, "--policy", pathlib.Path(__file__).parent / "pictures.yaml", "--ready-file", ready,
         *arguments], stdout=subprocess.DEVNULL)
    while not ready.exists():
        if process.poll() is not None:
            sys.exit("weir dev does not start")
        time.sleep(0.1)
    return process, json.loads(ready.read_text())


def fill(ledger):
    """29 days before today, about ten dollars each, less at weekends; and some of today."""
    chance = random.Random(7)
    rows = []
    for back in range(30):
        moment = time.gmtime(time.time() - 86_400 * back)
        day = time.strftime("%Y-%m-%d", moment)
        for team, users in TEAMS.items():
            for user in users:
                for product, weight in PRODUCTS.items():
                    model, price = chance.choice(list(MODELS.items()))
                    share = chance.uniform(0.3, 1.6) * (0.4 if moment.tm_wday > 4 else 1) * (0.7 if back == 0 else 1)
                    cost = int(weight * price * share * 12_000 * (2.2 if team == "globex" else 1))
                    calls = 1 + int(weight * 4 * share)
                    rows.append((day, team, user, product, "messages", model, calls, calls // 20, calls * 900, 0, 0, 0,
                                 calls * 220, 0, cost))
    with sqlite3.connect(ledger, timeout=30) as connection:
        connection.executemany("INSERT INTO daily_summary VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def api(ready, method, path, body):
    request = urllib.request.Request(
        ready["aggregator"] + "/admin/v1/" + path, data=json.dumps(body).encode(), method=method,
        headers={"authorization": "Bearer " + ready["admin_token"], "content-type": "application/json", "weir-actor": "ada"})
    urllib.request.urlopen(request, timeout=30).close()


def call(ready, person, number, chance):
    product = chance.choice(["", "", "/slack_app", "/trial"])
    model = chance.choice(["claude-sonnet-4", "claude-sonnet-4", "claude-haiku-4", "claude-opus-4"])
    simulate = f"input={chance.randint(200, 2500)};output={chance.randint(50, 600)};head-delay-ms={chance.randint(200, 900)}"
    body = {"model": model, "max_tokens": 800, "messages": [{"role": "user", "content": "Hello"}]}
    request = urllib.request.Request(
        ready["gateways"][number % 2] + product + "/v1/messages", data=json.dumps(body).encode(),
        headers={"x-api-key": ready["keys"][person], "content-type": "application/json",
                 "anthropic-version": "2023-06-01", "x-simulate": simulate})
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        error.close()


def traffic(ready, seconds):
    end = time.monotonic() + seconds

    def one(person, pause):
        chance = random.Random(person)
        number = 0
        while time.monotonic() < end:
            call(ready, person, number, chance)
            number += 1
            time.sleep(chance.uniform(0.2, 1.8) * pause)

    threads = [
        threading.Thread(target=one, args=(person, pause))
        for person, pause in zip(sorted(ready["keys"]), (0.6, 1.6, 2.0, 3.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


first, ready = start("--for", "1s")
first.wait()
fill(ready["ledger"])
process, ready = start()
try:
    api(ready, "PUT", "overrides", {
        "limit": "spend", "subject": "user:acme/alice", "amount": 75_000_000, "until": int(time.time()) + 9 * 86_400,
        "reason": "the migration"})
    api(ready, "PUT", "limited/ai_credits/umbrella", {"until": int(time.time()) + 86_400, "reason": "invoice is overdue"})
    traffic(ready, float(os.environ.get("PICTURES_WAIT", "300")))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

        def look(name, path, scheme="light", width=1280, height=1000, whole=False):
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
            page = context.new_page()
            page.goto(ready["aggregator"] + "/")
            page.get_by_label("Admin token").fill(ready["admin_token"])
            page.get_by_label("Your name").fill("ada")
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("heading", name="Overview").wait_for()
            page.goto(ready["aggregator"] + path)
            if path == "/":
                page.locator("#live-state", has_text="live").wait_for()
            page.screenshot(path=pictures / f"{name}.png", full_page=whole)
            context.close()

        look("dashboard", "/")
        look("dashboard-dark", "/user?team=acme&user=alice", scheme="dark")
        look("dashboard-phone", "/", width=390, height=1020)
        if os.environ.get("PICTURES_ALL"):
            found = sqlite3.connect(ready["ledger"]).execute("SELECT id FROM usage_event ORDER BY called_at DESC")
            pages = {
                "overview": "/", "teams": "/teams", "team": "/team?team=acme", "user": "/user?team=acme&user=alice",
                "limited": "/limited", "events": "/events", "event": f"/event?id={found.fetchone()[0]}",
                "policy": "/policy", "policy-try": "/policy/try", "audit": "/audit", "kill-switch": "/kill-switch",
                "sign-in": "/sign-in",
            }
            for name, path in pages.items():
                look(f"all-{name}", path, whole=True)
                look(f"all-{name}-dark", path, scheme="dark", whole=True)
                look(f"all-{name}-phone", path, width=390, whole=True)
        browser.close()
finally:
    process.terminate()
    process.wait()
