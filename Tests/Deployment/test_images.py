"""The image and the compose file, as far as they can be judged without Docker."""

import re
import shutil
import stat
import sys

import yaml
from conftest import DEPLOY, ROOT, run


def instructions():
    """Each instruction of the Dockerfile with its arguments, on one line."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    return [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_the_image_is_slim_runs_without_rights_and_says_how_it_is():
    final = instructions()[max(i for i, (word, _) in enumerate(instructions()) if word == "FROM") :]
    words = dict((word, rest) for word, rest in final if word != "COPY")
    assert words["FROM"] == "debian:bookworm-slim"
    user = words["USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), user
    assert words["ENTRYPOINT"] == '["weir"]'
    assert '"weir", "probe"' in words["HEALTHCHECK"]
    assert f"--uid {user.split(':')[0]}" in words["RUN"]


def test_what_the_image_copies_is_there_and_handed_to_the_build():
    lines = (ROOT / ".dockerignore").read_text().split()
    assert "*" in lines, "everything is left out but what is named"
    handed = [line[1:] for line in lines if line.startswith("!")]
    for word, rest in instructions():
        if word != "COPY" or "--from=" in rest:
            continue
        for source in rest.split()[:-1]:
            name = re.sub(r"\[(.)\]", r"\1", source)
            if "[" not in source:
                assert (ROOT / name).exists(), name
            assert any(name == path or name.startswith(path + "/") for path in handed), name
    # Links that are embedded into the binary lead out of Sources.
    for link in (ROOT / "Sources").rglob("*"):
        if link.is_symlink():
            target = str(link.resolve().relative_to(ROOT))
            assert any(target == path or target.startswith(path + "/") for path in handed), f"{link} → {target}"


def test_the_image_has_every_library_that_is_not_linked_in(weir):
    installed = " ".join(rest for word, rest in instructions()[-20:] if word == "RUN")
    libraries = re.findall(r"^\s*(\S+) => (/\S+)", run("ldd", weir).stdout, re.MULTILINE)
    assert libraries
    for name, path in libraries:
        # The toolchain's own are linked into a release (--static-swift-stdlib).
        if "/swift/" in path or re.match(r"lib(c|m|pthread|dl|rt|util)\.so", name):
            continue
        real = run("realpath", path).stdout.strip()
        owners = run("dpkg-query", "--search", real, real.removeprefix("/usr"), ok=False).stdout
        package = owners.split(":")[0]
        assert re.search(rf"\s{re.escape(package)}(\s|$)", installed), f"{name} is of {package}"


def test_the_compose_file_is_one(tmp_path):
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose/compose.yaml")


def test_everything_that_the_compose_file_needs_is_there_once_it_is_prepared(tmp_path, settings):
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    compose = tmp_path / "deploy/compose"
    run(compose / "prepare")
    before = {path.name: path.read_text() for path in (compose / "secrets").iterdir()}
    run(compose / "prepare")
    assert before == {path.name: path.read_text() for path in (compose / "secrets").iterdir()}, "repeating changes nothing"
    assert stat.S_IMODE((compose / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((compose / "gateway.env").stat().st_mode) == 0o600
    assert all(len(secret) >= 32 for secret in before.values())

    spec = yaml.safe_load((compose / "compose.yaml").read_text())
    for secret in spec["secrets"].values():
        assert (compose / secret["file"]).exists(), secret
    for name, service in spec["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in spec["volumes"] or (compose / source).exists(), f"{name}: {volume}"
        for file in service.get("env_file", []):
            assert (compose / file).exists()
        assert set(service.get("environment", {})) <= settings, name
        assert set(service.get("secrets", [])) <= set(spec["secrets"]), name
        assert "healthcheck" in service, name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "nothing is published to the world"
    # A gateway has 30 s to end its calls and 15 to charge what was cut.
    gateways = [service for name, service in spec["services"].items() if name.startswith("gateway-")]
    assert len(gateways) == 2
    assert all(service["stop_grace_period"] == "50s" for service in gateways)
    assert len({service["volumes"][0] for service in gateways}) == 2, "each has an outbox of its own"
    assert set(re.findall(r"server (\S+):8080", (compose / "nginx-upstream.conf").read_text())) == {"gateway-1", "gateway-2"}
    # git must not know what was made.
    ignored = (compose / ".gitignore").read_text().split()
    assert ignored == ["secrets/", "gateway.env"]
