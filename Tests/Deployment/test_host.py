"""What a host runs: units of systemd, Redis with its settings and users, the package's parts, shell completions."""

import re
import subprocess

import pytest
from conftest import DEPLOY, ROOT, eventually, free_port, run

UNITS = ["weir-aggregator.service", "weir-gateway@1.service", "weir-gateways.target"]


@pytest.fixture(scope="session")
def units(tmp_path_factory, weir):
    """The units as installed, but with the binary that is built."""
    directory = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        text = (DEPLOY / "systemd" / unit.replace("@1", "@")).read_text()
        (directory / unit).write_text(text.replace("/usr/bin/weir", str(weir)))
    return directory


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_every_unit_without_a_word(units, unit):
    finished = run("systemd-analyze", "verify", "--man=no", units / unit)
    assert finished.stdout + finished.stderr == ""


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.endswith(".service")])
def test_services_are_hardened(units, unit):
    report = run("systemd-analyze", "security", "--offline=true", units / unit).stdout
    score = float(re.search(r"Overall exposure level for \S+ (\d+\.\d)", report.replace(":", "")).group(1))
    # 0 is shut off from everything; what talks to the network cannot get much below 1.
    assert score <= 1.5, report


def test_units_set_only_what_weir_knows(settings):
    for path in [*(DEPLOY / "systemd").glob("*.service"), *(DEPLOY / "systemd").glob("*.env")]:
        names = set(re.findall(r"\b(WEIR_[A-Z_]+)=", path.read_text()))
        assert names and names <= settings, (path, names - settings)
        # A secret in the environment is shown by systemctl show.
        assert not names & {"WEIR_ADMIN_TOKEN", "WEIR_ANTHROPIC_KEY", "WEIR_OPENAI_KEY", "WEIR_GEMINI_KEY"}, path


def test_a_gateway_has_the_time_that_its_drain_takes():
    unit = (DEPLOY / "systemd/weir-gateway@.service").read_text()
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE).group(1)) >= 45


def test_users_and_directories_are_what_systemd_takes(tmp_path):
    run("systemd-sysusers", "--dry-run", f"--root={tmp_path}", DEPLOY / "systemd/weir.sysusers", ok=False)
    line = [line for line in (DEPLOY / "systemd/weir.sysusers").read_text().splitlines() if not line.startswith("#")]
    assert line == ['u weir - "Weir" /var/lib/weir /usr/sbin/nologin']
    (tmp_path / "etc/weir").mkdir(parents=True)
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nweir:x:999:999::/:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\nweir:x:999:\n")
    run("systemd-tmpfiles", "--create", f"--root={tmp_path}", DEPLOY / "systemd/weir.tmpfiles")
    assert (tmp_path / "etc/weir/secrets").stat().st_mode & 0o777 == 0o700


class Redis:
    """A redis-server as deploy/redis says, with users whose passwords make-users has made."""

    def __init__(self, directory):
        self.directory, self.port = directory, free_port()
        self.secrets = directory / "secrets"
        self.secrets.mkdir()
        run(DEPLOY / "redis/make-users", self.secrets, directory / "users.acl")
        self.process = subprocess.Popen(
            ["redis-server", DEPLOY / "redis/redis.conf", "--port", str(self.port), "--bind", "127.0.0.1",
             "--dir", directory, "--aclfile", directory / "users.acl", "--logfile", directory / "log"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )
        eventually("Redis serves", lambda: self.ask("admin", "PING") == "PONG")

    def ask(self, user, *words):
        """The answer, or the error, of one command; user None: nobody logs in."""
        login = [] if user is None else ["--user", f"weir-{user}", "--pass", (self.secrets / f"redis-{user}").read_text()]
        finished = run("redis-cli", "-p", self.port, "--no-auth-warning", *login, *words, ok=False)
        return (finished.stdout + finished.stderr).strip()

    def url(self, user):
        return f"redis://weir-{user}@127.0.0.1:{self.port}"

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.end()


def test_nobody_comes_in_without_a_password(redis):
    assert redis.ask(None, "PING").startswith("NOAUTH")
    assert redis.ask(None, "AUTH", "default", "").startswith("WRONGPASS")


def test_it_keeps_what_it_is_told_and_forgets_nothing(redis):
    assert redis.ask("admin", "CONFIG", "GET", "maxmemory-policy").split() == ["maxmemory-policy", "noeviction"]
    assert redis.ask("admin", "CONFIG", "GET", "appendonly").split() == ["appendonly", "yes"]
    assert redis.ask("admin", "CONFIG", "GET", "appendfsync").split() == ["appendfsync", "everysec"]


SHARD = "weir:{07}"
WRITE = "return redis.call('{}', KEYS[1], unpack(ARGV))"


@pytest.mark.parametrize(
    "words",
    [
        ["FLUSHALL"], ["CONFIG", "GET", "*"], ["KEYS", "*"], ["ACL", "LIST"], ["SHUTDOWN"], ["GET", "other"],
        ["SET", "weir:policy", "{}"], ["HSET", "weir:kill-switch", "global", "off"], ["DEL", f"{SHARD}:usage"],
        ["ZREM", "weir:quota-limits:ai_credits", "acme"], ["SET", "weir:override:spend:user:a/b", "0"],
        ["HSET", "weir:api-key:00", "team", "acme"], ["XTRIM", f"{SHARD}:usage", "MAXLEN", "0"],
        ["EVAL", WRITE.format("SET"), "1", f"{SHARD}:epoch", "x"], ["EVAL", WRITE.format("SET"), "1", f"{SHARD}:fence", "1"],
        ["EVAL", WRITE.format("SET"), "1", "weir:policy", "x"], ["EVAL", WRITE.format("DEL"), "1", f"{SHARD}:usage"],
        ["EVAL", "return redis.call('FLUSHALL')", "0"], ["SUBSCRIBE", "other"], ["MONITOR"], ["REPLICAOF", "a", "1"],
    ],
)
def test_a_gateway_may_not_administer(redis, words):
    answer = redis.ask("gateway", *words)
    assert answer.startswith("NOPERM") or "can't run this command" in answer or "can't access at least one" in answer, answer


@pytest.mark.parametrize("words", [["SET", "weir:policy", "x"], ["DEL", "weir:policy"], ["KEYS", "*"], ["EVAL", "return 1", "0"],
                                   ["CONFIG", "GET", "*"], ["MONITOR"], ["CLIENT", "KILL", "TYPE", "normal"], ["GET", "other"]])
def test_who_looks_changes_nothing(redis, words):
    assert redis.ask("inspect", *words).startswith("NOPERM")


@pytest.mark.parametrize("words", [["FLUSHALL"], ["CONFIG", "SET", "appendonly", "no"], ["ACL", "SETUSER", "a"], ["SET", "other", "x"],
                                   ["KEYS", "*"], ["SHUTDOWN"], ["MONITOR"]])
def test_an_aggregator_may_not_administer_redis(redis, words):
    assert "NOPERM" in redis.ask("aggregator", *words)


def test_a_password_from_a_file_lets_weir_in(redis, weir):
    options = ["--redis", redis.url("inspect"), "--redis-password-file"]
    finished = run(weir, "doctor", *options, redis.secrets / "redis-inspect", ok=False)
    assert "ok   redis       Redis answers" in finished.stdout
    wrong = run(weir, "doctor", *options, redis.secrets / "redis-gateway", ok=False)
    assert wrong.returncode == 1 and "WRONGPASS" in wrong.stdout


def test_make_users_hands_out_no_password_and_repeats_itself(tmp_path):
    first = run(DEPLOY / "redis/make-users", tmp_path).stdout
    assert run(DEPLOY / "redis/make-users", tmp_path).stdout == first
    secrets = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(secrets) == {"redis-admin", "redis-gateway", "redis-aggregator", "redis-inspect"}
    assert len(set(secrets.values())) == 4
    for name, secret in secrets.items():
        assert len(secret) == 43 and secret not in first
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert first.count("#") == 4


@pytest.mark.parametrize("script", ["redis/make-users", "compose/prepare", "debian/postinst", "debian/prerm", "debian/postrm"])
def test_scripts_are_ones(script):
    run("sh", "-n", DEPLOY / script)


def test_the_package_knows_the_files_that_operators_edit():
    conffiles = (DEPLOY / "debian/conffiles").read_text().split()
    made = re.findall(r"put 644 \S+ (etc/\S+)", (ROOT / "scripts/make-deb").read_text())
    assert sorted(conffiles) == sorted("/" + path for path in made)


def test_completions_are_made_for_each_shell(weir, tmp_path):
    run(ROOT / "scripts/install-completions", weir, tmp_path)
    bash = tmp_path / "bash-completion/completions/weir"
    # What bash itself offers after "weir le".
    script = f'source {bash}; COMP_WORDS=(weir le); COMP_CWORD=1; COMP_LINE="weir le"; COMP_POINT=7; _weir; echo "${{COMPREPLY[@]}}"'
    assert "ledger" in run("bash", "-c", script).stdout.split()
    for shell in ["zsh/vendor-completions/_weir", "fish/vendor_completions.d/weir.fish"]:
        assert "kill-switch" in (tmp_path / shell).read_text()
