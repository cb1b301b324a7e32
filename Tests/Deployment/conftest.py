import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"


def run(*command, ok=True, **options):
    """Runs a program. With `ok` it must end well."""
    options.setdefault("stdin", subprocess.DEVNULL)
    finished = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)
    if ok:
        assert finished.returncode == 0, f"{command}: {finished.stdout}\n{finished.stderr}"
    return finished


def eventually(what, condition, within=20):
    """Waits until `condition` holds; only a failing test waits long."""
    end = time.monotonic() + within
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"{what}: not within {within} s"
        time.sleep(0.02)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def weir():
    binary = Path(os.environ["WEIR_BINARY"])
    assert binary.exists(), binary
    return binary


@pytest.fixture(scope="session")
def ready():
    """What the deployment that runs says of itself."""
    return json.loads(Path(os.environ["WEIR_READY_FILE"]).read_text())


@pytest.fixture(scope="session")
def admin(weir, ready):
    """Runs a weir command against the deployment."""
    environment = {**os.environ, "WEIR_ADMIN_URL": ready["aggregator"], "WEIR_ADMIN_TOKEN": ready["admin_token"]}

    def command(*words, **options):
        return run(weir, *words, env={**environment, **options.pop("env", {})}, **options)

    command.environment = environment
    return command


@pytest.fixture(scope="session")
def settings():
    """Every variable of the environment that weir reads."""
    text = (ROOT / "Sources/WeirCommands/Options/Setting.swift").read_text()
    return set(re.findall(r'"(WEIR_[A-Z_]+)"', text))
