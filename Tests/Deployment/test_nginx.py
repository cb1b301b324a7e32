"""nginx as in deploy/nginx, before the gateways of a deployment."""

import http.client
import json
import subprocess
from urllib.parse import urlsplit

import pytest
from conftest import DEPLOY, eventually, free_port, run

pytestmark = pytest.mark.stack
CALL = json.dumps({"model": "claude-sonnet-4", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]})


class Nginx:
    def __init__(self, directory, upstreams):
        self.directory, self.port = directory, free_port()
        (directory / "upstream.conf").write_text("".join(f"server {host} max_fails=2 fail_timeout=5s;\n" for host in upstreams))
        text = (DEPLOY / "nginx/weir.conf").read_text()
        for old, new in [
            ("/etc/nginx/weir-upstream.conf", directory / "upstream.conf"),
            ("listen 8080", f"listen 127.0.0.1:{self.port}"),
            ("/var/log/nginx/weir.log", directory / "weir.log"),
        ]:
            assert text.count(old) == 1, old
            text = text.replace(old, str(new))
        temporary = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        (directory / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;\n"
            f"events {{ worker_connections 512; }}\nhttp {{\n{temporary}{text}}}\n"
        )
        self.command = ["nginx", "-p", str(directory), "-e", f"{directory}/error.log", "-c", f"{directory}/nginx.conf"]
        checked = run(*self.command, "-t")
        assert "[warn]" not in checked.stderr, checked.stderr
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)
        eventually("nginx serves", lambda: self.status("/healthz") == 200)

    def status(self, path):
        try:
            return self.send("GET", path).status
        except ConnectionError:
            return None

    def send(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"content-type": "application/json", **(headers or {})})
        return connection.getresponse()

    def log(self):
        return [json.loads(line) for line in (self.directory / "weir.log").read_text().splitlines()]

    def end(self):
        self.process.terminate()
        self.process.wait()


def hosts(ready):
    return [urlsplit(url).netloc for url in ready["gateways"]]


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, ready):
    server = Nginx(tmp_path_factory.mktemp("nginx"), hosts(ready))
    yield server
    server.end()


@pytest.fixture(scope="module")
def key(admin):
    return admin("keys", "create", "--team", "nginx", "--user", "nick").stdout.strip()


def headers(key, **more):
    return {"x-api-key": key, "anthropic-version": "2023-06-01", **more}


def test_calls_reach_both_gateways_and_answers_come_back_whole(nginx, key, ready):
    for _ in range(8):
        answer = nginx.send("POST", "/v1/messages", CALL, headers(key))
        assert answer.status == 200, answer.read()
        assert json.loads(answer.read())["type"] == "message"
        assert answer.headers["weir-request-id"]
    served = eventually("eight calls in its log", lambda: [e for e in nginx.log() if e["path"] == "/v1/messages"][7:] and nginx.log())
    assert {entry["upstream"] for entry in served if entry["path"] == "/v1/messages"} == set(hosts(ready))


def test_events_pass_before_the_stream_ends(nginx, key):
    """The simulator falls silent after two pieces, so what arrives cannot have been held back until the end."""
    body = json.dumps({**json.loads(CALL), "stream": True})
    answer = nginx.send("POST", "/v1/messages", body, headers(key, **{"x-simulate": "output=50;chunks=5;hang-after=2"}))
    assert answer.status == 200
    seen = b""
    while seen.count(b"content_block_delta\n") < 2:
        piece = answer.read1(4096)
        assert piece, seen
        seen += piece
    assert b"message_stop" not in seen
    answer.close()


def test_a_denial_passes_unchanged(nginx):
    answer = nginx.send("POST", "/v1/messages", CALL, headers("wk_00000000_wrong"))
    assert answer.status == 401
    assert json.loads(answer.read())["weir"]["reason"] == "unauthorized"


def test_a_body_that_is_too_large_is_refused_by_the_gateway_in_its_own_words(nginx, key):
    large = json.dumps({**json.loads(CALL), "system": "x" * (10 * 1024 * 1024 + 1000)})
    answer = nginx.send("POST", "/v1/messages", large, headers(key))
    assert answer.status == 413
    assert json.loads(answer.read())["weir"]["reason"] == "request_too_large"


def test_operations_are_not_reached_from_outside(nginx):
    assert nginx.status("/metrics") == 404


def test_no_key_is_in_its_log(nginx, key):
    answer = nginx.send("POST", f"/v1beta/models/gemini-2.5-flash:generateContent?key={key}", '{"contents":[]}')
    answer.read()
    eventually("the call is in its log", lambda: any("/v1beta/" in entry["path"] for entry in nginx.log()))
    assert key not in (nginx.directory / "weir.log").read_text()
    assert key not in (nginx.directory / "error.log").read_text()


def test_a_gateway_that_is_gone_costs_no_call(tmp_path, ready, key):
    nginx = Nginx(tmp_path, [f"127.0.0.1:{free_port()}", hosts(ready)[0]])
    try:
        for _ in range(6):
            answer = nginx.send("POST", "/v1/messages", CALL, headers(key))
            answer.read()
            assert answer.status == 200
    finally:
        nginx.end()
