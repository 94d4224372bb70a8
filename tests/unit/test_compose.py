"""The Dockerfile and docker-compose.yml, as far as they can be checked without an engine."""

import ast
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend import settings as settings_module
from backend.database.compatibility import OLDEST_PGVECTOR
from backend.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
ONE_SHOT = {"migrate"}
SERVICES = ["postgres", "migrate", "api", "worker"]

SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY\b")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


@pytest.fixture
def composer() -> list[str]:
    """The command that reads compose files; it needs no engine."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.skip("neither docker with its compose plugin nor docker-compose is on this machine")


def config(composer: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # A copy, so that nobody's own .env takes part.
    copy = folder / COMPOSE.name
    copy.write_text(COMPOSE.read_text())
    return subprocess.run(
        [*composer, "--file", str(copy), "config"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "POSTGRES_PASSWORD"} | environment,
        timeout=300,
    )


def test_compose_accepts_the_file(composer: list[str], tmp_path: Path) -> None:
    done = config(composer, tmp_path, POSTGRES_PASSWORD="a:b/c@d")
    assert done.returncode == 0, done.stderr
    resolved = yaml.safe_load(done.stdout)
    assert set(resolved["services"]) == set(SERVICES)
    for service in ("migrate", "api", "worker"):
        assert resolved["services"][service]["environment"]["PGPASSWORD"] == "a:b/c@d"


def test_compose_asks_for_the_password(composer: list[str], tmp_path: Path) -> None:
    done = config(composer, tmp_path)
    assert done.returncode != 0
    assert "write POSTGRES_PASSWORD=... into the file .env" in done.stderr


def test_the_services_are_these(compose: dict[str, Any]) -> None:
    assert list(compose["services"]) == SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_how_it_is_or_ends_by_itself(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        assert "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
        assert "stop_grace_period" in service


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["user"].split(":")[0] not in ("root", "0", "")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "container_name"}
    assert "memory" in service["deploy"]["resources"]["limits"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(compose: dict[str, Any], name: str) -> None:
    tag = compose["services"][name]["image"].rpartition(":")[2]
    assert re.search(r"\d+\.\d+\.\d+", tag)


def test_the_image_has_the_version_of_the_project(compose: dict[str, Any]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {compose["services"][name]["image"] for name in SERVICES[1:]} == {f"shelfmate:{version}"}


def test_postgres_has_a_pgvector_that_shelfmate_accepts(compose: dict[str, Any]) -> None:
    image = compose["services"]["postgres"]["image"]
    found = re.fullmatch(r"pgvector/pgvector:(\d+)\.(\d+)\.(\d+)-pg\d+-\w+", image)
    assert found is not None
    assert tuple(int(part) for part in found.groups()) >= OLDEST_PGVECTOR


def test_no_secret_is_written_down(compose: dict[str, Any]) -> None:
    seen = 0
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if SECRET.search(name):
                assert re.fullmatch(r"\$\{\w+:\?.+\}", value)
                seen += 1
            else:
                assert not re.search(r"://[^/@]*:[^/@]*@", value)
    assert seen == len(SERVICES)


def test_everything_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    needs = {name: service.get("depends_on") for name, service in compose["services"].items()}
    ready = {"condition": "service_healthy"}
    migrated = {"condition": "service_completed_successfully"}
    assert needs == {
        "postgres": None,
        "migrate": {"postgres": ready},
        "api": {"postgres": ready, "migrate": migrated},
        "worker": {"postgres": ready, "migrate": migrated},
    }


def test_the_health_checks_in_python_parse(compose: dict[str, Any]) -> None:
    for name in ("api", "worker"):
        test = compose["services"][name]["healthcheck"]["test"]
        assert test[1:3] == ["python", "-c"]
        ast.parse(test[3])
    assert "/readyz" in compose["services"]["api"]["healthcheck"]["test"][3]


def test_only_the_api_is_reached_from_outside_and_from_this_machine_only(compose: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert list(ports) == ["api"]
    assert all(port.startswith("127.0.0.1:") for port in ports["api"])


def test_keys_can_be_asked_for_without_a_change_of_the_file(compose: dict[str, Any]) -> None:
    # docs/operations.md says to set it before others reach the port.
    assert compose["services"]["api"]["environment"]["SHELFMATE_REQUIRE_KEYS"] == "${SHELFMATE_REQUIRE_KEYS:-false}"


def test_settings_that_are_passed_exist(compose: dict[str, Any]) -> None:
    known = {
        settings_module._variable((str(field.validation_alias or name),))
        for name, field in Settings.model_fields.items()
    }
    named = {name for service in compose["services"].values() for name in service["environment"]}
    named |= set(re.findall(r"SHELFMATE_\w+", (ROOT / "Dockerfile").read_text()))
    assert {name for name in named if name.startswith("SHELFMATE_")} <= known
    assert "SHELFMATE_HOST" in named


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Instructions and their arguments, continued lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def arguments(dockerfile: list[tuple[str, str]], instruction: str) -> list[str]:
    return [rest for name, rest in dockerfile if name == instruction]


def test_the_base_is_pinned_and_the_same_for_both_stages(dockerfile: list[tuple[str, str]]) -> None:
    assert arguments(dockerfile, "FROM") == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]
    image = dict(argument.split("=", 1) for argument in arguments(dockerfile, "ARG"))["PYTHON_IMAGE"]
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", image)


def test_the_image_runs_shelfmate_as_nobody_special(dockerfile: list[tuple[str, str]], compose: dict[str, Any]) -> None:
    users = arguments(dockerfile, "USER")
    assert users == [compose["services"]["api"]["user"]]
    last_stage = [name for name, _ in dockerfile][[name for name, _ in dockerfile].index("FROM", 2) :]
    assert last_stage.index("USER") < last_stage.index("ENTRYPOINT")
    assert arguments(dockerfile, "ENTRYPOINT") == ['["shelfmate"]']
    assert arguments(dockerfile, "CMD") == ['["serve"]']


def test_the_image_names_no_host_and_fetches_nothing_by_hand(dockerfile: list[tuple[str, str]]) -> None:
    everything = " ".join(rest for _, rest in dockerfile)
    assert not re.search(r"https?://|curl |wget |:latest", everything)
    assert "ADD" not in [name for name, _ in dockerfile]
    installs = [part for rest in arguments(dockerfile, "RUN") for part in rest.split("&&") if "pip install" in part]
    assert len(installs) == 3
    assert all("--constraint constraints.txt" in part or "--no-deps" in part for part in installs)


def test_what_is_copied_is_let_through(dockerfile: list[tuple[str, str]]) -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for rest in arguments(dockerfile, "COPY") if "--from" not in rest for name in rest.split()[:-1]}
    assert copied == let_through
