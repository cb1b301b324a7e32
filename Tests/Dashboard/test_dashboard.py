"""What people do with the dashboard."""

import json
import os
import urllib.parse

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from conftest import BASE, EVIL, EVIL_ATTRIBUTE, PHONE, TEAMS, Visitor, api, eventually

EVIL_TEAM = "/team?team=" + urllib.parse.quote(EVIL)
EVIL_USER = "/user?team=" + urllib.parse.quote(EVIL) + "&user=" + urllib.parse.quote(EVIL_ATTRIBUTE)
PAGES = {
    "overview": "/", "teams": "/teams", "team": "/team?team=acme", "users": "/users",
    "user": "/user?team=acme&user=alice", "limited": "/limited", "events": "/events",
    "event": "/event?id=01EVIL00000000000000000000", "policy": "/policy",
    "policy-version": "/policy/version?version=1", "policy-try": "/policy/try", "prices": "/prices", "audit": "/audit",
    "admin-tokens": "/admin-tokens", "kill-switch": "/kill-switch",
}


def judged(visitor, name, path, rules):
    """What axe-core finds on a page, its disclosed parts included."""
    visitor.go(path)
    visitor.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    visitor.page.evaluate(AXE_FILE_PATH.read_text())
    found = visitor.page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{name}: {violation['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in found["violations"] for node in violation["nodes"][:3]
    ]


def test_every_page_is_accessible_as_far_as_a_program_can_judge(visit):
    """WCAG 2.1 A and AA, contrast included."""
    visitor = visit()
    for name, path in list(PAGES.items()) + [("sign-in", "/sign-in")]:
        assert not judged(visitor, name, path, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"])


def test_the_dark_theme_has_contrast(visit):
    visitor = visit(scheme="dark")
    for name in ("overview", "user", "event", "policy-try", "kill-switch"):
        assert not judged(visitor, name, PAGES[name], ["color-contrast"])


def test_no_page_scrolls_sideways_on_a_phone(visit):
    visitor = visit(viewport=PHONE)
    for name, path in PAGES.items():
        visitor.go(path)
        wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide"


def test_scripts_in_names_stay_text(visit):
    visitor = visit()
    reason = EVIL + EVIL_ATTRIBUTE
    api("PUT", "overrides", {"limit": "spend", "subject": "user:acme/alice", "amount": 1, "reason": reason})
    yaml = api("GET", "policy")["yaml"]
    api("PUT", "policy", f"# {EVIL} {EVIL_ATTRIBUTE}\n{yaml}", "application/yaml")
    for path in list(PAGES.values()) + [EVIL_TEAM, EVIL_USER, "/?by=model", "/audit?q=" + urllib.parse.quote(EVIL)]:
        visitor.go(path)
        assert visitor.page.evaluate("window.evil") is None, path
        assert not visitor.page.locator("img, main script").count(), path
    visitor.go(EVIL_TEAM)
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "Team " + EVIL
    visitor.go("/policy")
    assert EVIL in visitor.page.locator("pre").text_content()


def test_ten_thousand_teams_are_paged_searched_and_exported(visit):
    visitor = visit()
    visitor.go("/teams")
    assert visitor.page.locator("tbody tr").count() == 50
    visitor.page.get_by_role("link", name="Next").click()
    assert "Page 2 of" in visitor.page.locator(".paging").inner_text()
    visitor.page.get_by_label("Name contains").fill("team-07777")
    visitor.page.get_by_role("button", name="Search").click()
    visitor.page.locator("tbody").get_by_role("link", name="team-07777").click()
    visitor.page.get_by_role("heading", name="Team team-07777").wait_for()
    visitor.go("/teams")
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Teams, last 30 days as CSV").click()
    lines = open(download.value.path(), newline="").read().split("\r\n")
    assert len(lines) > TEAMS and lines[0] == "team,cost_usd,calls,errors,tokens"


def test_the_kill_switch_is_thrown_and_taken_back_by_keyboard_alone(visit):
    visitor = visit()
    keyboard = visitor.page.keyboard

    def tab_to(name):
        """Presses Tab until what has the focus is called so, as one who sees no mouse would."""
        for _ in range(80):
            said = visitor.page.evaluate(
                """() => {
                     const it = document.activeElement;
                     const isControl = ['A', 'BUTTON', 'INPUT', 'SELECT', 'SUMMARY'].includes(it.tagName);
                     return isControl ? it.textContent + (it.labels?.[0]?.textContent ?? '') : '';
                   }""")
            if name in said:
                outline = visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"{name}: the focus is not seen"
                return
            keyboard.press("Tab")
        pytest.fail(f"Tab does not lead to {name}")

    tab_to("Stop calls")
    keyboard.press("Enter")
    visitor.page.get_by_role("heading", name="Stop calls").wait_for()
    assert visitor.page.evaluate("document.activeElement.name") == "reason", "one can type the reason at once"
    keyboard.press("Enter")
    assert visitor.page.url.endswith("/kill-switch"), "without a reason nothing is sent"
    keyboard.type("Spend runs away")
    keyboard.press("Enter")
    assert visitor.page.url.endswith("/kill-switch"), "without a confirmation nothing is sent"
    tab_to("Yes, deny these calls")
    keyboard.press("Space")
    tab_to("Throw the kill switch")
    keyboard.press("Enter")
    visitor.page.get_by_text("The kill switch is thrown.").wait_for()
    states = api("GET", "kill-switch")["kill_switch"]
    assert [(state["scope"], state["reason"], state["actor"]) for state in states if state["thrown"]] == [
        ("global", "Spend runs away", "ada")]
    tab_to("Let calls pass again")
    keyboard.press("Enter")
    visitor.page.get_by_role("heading", name="Let calls pass again").wait_for()
    tab_to("Yes, let these calls pass")
    keyboard.press("Space")
    tab_to("Let calls pass")
    keyboard.press("Enter")
    visitor.page.get_by_text("The kill switch is off.").wait_for()
    assert not [state for state in api("GET", "kill-switch")["kill_switch"] if state["thrown"]]


def test_what_is_live_changes_by_itself(visit):
    visitor = visit()
    visitor.page.locator("#live-state", has_text="live").wait_for()
    assert visitor.page.locator("#live-switch").inner_text().startswith("Off")
    api("POST", "kill-switch", {"scope": "model:no-such", "on": True, "reason": EVIL})
    visitor.page.locator("#live-switch", has_text="Thrown").wait_for()
    assert EVIL in visitor.page.locator("#live-switch").inner_text()
    assert visitor.page.evaluate("window.evil") is None
    api("POST", "kill-switch", {"scope": "model:no-such", "on": False})
    visitor.page.locator("#live-switch", has_text="Off").wait_for()


def test_an_amount_is_set_and_taken_back_in_its_row(visit):
    visitor = visit()
    visitor.go("/user?team=globex&user=carol")
    row = visitor.page.locator("#main tr", has_text="day-tokens")
    row.get_by_text("Change").click()
    row.get_by_label("Amount in").fill("123456")
    row.get_by_label("Reason").fill("a test")
    row.get_by_role("button", name="Set").click()
    row = visitor.page.locator("#main tr", has_text="day-tokens")
    row.get_by_text("123,456").first.wait_for()
    assert "override by ada" in row.inner_text()
    row.get_by_text("Change").click()
    row.get_by_role("button", name="Back to what the policy says").click()
    visitor.page.get_by_text("The amount is what the policy says again.").wait_for()


def test_a_key_is_rotated_in_its_row(visit):
    old = api("POST", "keys", {"team": "globex", "user": "carol"})["description"]["id"]
    visitor = visit()
    visitor.go("/user?team=globex&user=carol")
    row = visitor.page.locator("#main tr", has_text=old)
    row.get_by_text("Rotate…").click()
    row.get_by_label("The old one goes on").select_option("for an hour")
    row.get_by_role("button", name="Rotate").click()
    text = visitor.page.locator("code.secret").inner_text()
    assert text.startswith("wk_") and old in visitor.page.locator("main").inner_text()
    successor = text.rsplit("_", 1)[0]
    visitor.page.get_by_role("link", name="Back to the user").click()
    rows = visitor.page.locator("#main tr", has_text=successor)
    assert rows.count() == 1 and text not in visitor.page.content()
    keys = {key["id"]: key for key in api("GET", "keys?team=globex&user=carol")["keys"]}
    assert keys[old]["expires_at"] and keys[successor]["status"] == "active"


def test_an_admin_token_is_made_signed_in_with_and_revoked(visit):
    visitor = visit()
    visitor.page.get_by_role("link", name="Admin tokens").click()
    visitor.page.get_by_text("Create an admin token…").click()
    visitor.page.get_by_label("Name, for the audit log").fill("otto")
    visitor.page.get_by_label("Role").select_option("operator")
    visitor.page.get_by_role("button", name="Create").click()
    text = visitor.page.locator("code.secret").inner_text()
    other = visit(signed_in=False).sign_in(text)
    assert "operator" in other.page.locator(".who").inner_text()
    visitor.page.get_by_role("link", name="To the admin tokens").click()
    row = visitor.page.locator("#main tr", has_text="otto")
    assert text not in visitor.page.content()
    row.get_by_text("Revoke…").click()
    row.get_by_role("button", name="Revoke for good").click()
    visitor.page.get_by_text("The admin token is revoked.").wait_for()
    other.go("/teams")
    assert "/sign-in" in other.page.url


def test_prices_are_shown_of_the_day_that_is_asked_for(visit):
    visitor = visit()
    visitor.page.get_by_role("link", name="Prices").click()
    visitor.page.get_by_label("In force on (UTC day)").fill("2026-01-01")
    visitor.page.get_by_role("button", name="Show").click()
    assert "in force on 2026-01-01" in visitor.page.locator("main").inner_text()
    assert visitor.page.locator("tbody tr", has_text="claude-sonnet-4").count() >= 1


def test_a_policy_is_tried_with_progress_before_it_is_applied(visit):
    visitor = visit()
    visitor.go("/policy/try")
    box = visitor.page.get_by_label("Policy (YAML)")
    yaml = box.input_value()
    box.fill(yaml + "\nnonsense: 1\n")
    visitor.page.get_by_role("button", name="Check and try").click()
    assert "nonsense" in visitor.page.get_by_role("alert").inner_text()
    visitor.page.get_by_label("Policy (YAML)").fill(yaml.replace("unpriced_models: deny", "unpriced_models: flag"))
    visitor.page.get_by_role("button", name="Check and try").click()
    # The page goes on by itself when the trial has ended.
    visitor.page.get_by_role("button", name="Apply as version").wait_for()
    assert "deny → flag" in visitor.page.locator(".diff").inner_text()
    version = api("GET", "policy")["version"]
    visitor.page.get_by_label("Note").fill("tried first")
    visitor.page.get_by_role("button", name="Apply as version").click()
    visitor.page.get_by_text("The policy is applied.").wait_for()
    now = api("GET", "policy")
    assert (now["version"], now["note"], now["actor"]) == (version + 1, "tried first", "ada")


def test_events_are_found_told_and_exported_with_progress(visit):
    visitor = visit()
    visitor.go("/events")
    visitor.page.get_by_label("Team").fill(EVIL)
    visitor.page.get_by_role("button", name="Search").click()
    assert visitor.page.locator("tbody tr").count() == 3
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="JSON").click()
    assert len(json.load(open(download.value.path()))) == 3
    assert "Exported" in visitor.page.locator("#export-text").inner_text()
    visitor.page.locator("tbody tr").first.get_by_role("link").last.click()
    assert "$1.234567" in visitor.page.locator("main").inner_text()


def test_the_theme_is_switched_and_kept(visit):
    visitor = visit(scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = visitor.page.evaluate(ground)
    button = visitor.page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    assert button.inner_text() == "Theme: dark"
    dark = visitor.page.evaluate(ground)
    assert dark != light
    visitor.go("/teams")
    assert visitor.page.evaluate(ground) == dark


def test_pages_work_without_scripts(visit):
    visitor = visit(scripts=False)
    for name, path in PAGES.items():
        visitor.go(path)
        assert visitor.page.locator("h1").count() == 1, name
    visitor.go("/kill-switch")
    visitor.page.get_by_label("Reason").fill("no scripts")
    visitor.page.get_by_label("Yes, deny").check()
    visitor.page.get_by_role("button", name="Throw").click()
    assert "The kill switch is thrown." in visitor.page.locator("main").inner_text()
    api("POST", "kill-switch", {"scope": "global", "on": False})


def test_a_viewer_sees_everything_and_is_offered_no_change(visit):
    token = api("POST", "admin-tokens", {"name": "vera", "role": "viewer"})["token"]
    visitor = visit(signed_in=False)
    visitor.sign_in(token)
    for name, path in PAGES.items():
        if name not in ("kill-switch", "policy-try", "admin-tokens"):
            visitor.go(path)
            forms = visitor.page.locator("main form[method=post]").count()
            assert forms == 0, f"{name} offers {forms} changes"
    assert visitor.page.get_by_role("button", name="Sign out").is_visible()
    assert not visitor.page.get_by_role("link", name="Admin tokens").count()
    assert visitor.go("/admin-tokens").status == 403


def test_the_browser_never_has_the_token(visit):
    visitor = visit()
    cookies = {cookie["name"]: cookie for cookie in visitor.context.cookies()}
    session = next(cookie for name, cookie in cookies.items() if name.startswith("weir_session"))
    assert session["httpOnly"] and session["sameSite"] == "Strict"
    assert os.environ["WEIR_ADMIN_TOKEN"] not in json.dumps(visitor.context.storage_state())
    assert visitor.page.evaluate("document.cookie").find("weir_session") < 0
    visitor.page.get_by_role("button", name="Sign out").click()
    visitor.page.get_by_role("heading", name="Sign in to Weir").wait_for()
    visitor.go("/policy")
    assert "/sign-in" in visitor.page.url


def test_a_call_tells_what_it_held_and_what_it_was_charged(visit):
    """Of the team `told`, which has made calls through a gateway."""
    visitor = visit()
    visitor.go("/events?team=told")
    visitor.page.locator("tbody tr").first.get_by_role("link").last.click()
    held = visitor.page.locator(".table", has_text="What was reserved, by which limits")
    limits = held.locator("tbody tr td:first-child").all_inner_texts()
    assert {"ai-calls", "spend", "day-tokens"} <= set(limits)


def test_health_names_the_gateways(visit):
    visitor = visit()
    visitor.page.locator(".health div", has_text="Gateways").get_by_text("2 ready").wait_for()
