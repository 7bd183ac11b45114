"""What the emulator gives to a program that runs in a container's place."""

import base64
from pathlib import Path
from typing import Any

from cluster_emulator.containers.launch import Launch, data_of, launch_of
from cluster_emulator.containers.messages import MESSAGE_BYTES, termination_message

ROOT = Path("/private/root")
OBJECTS = {
    ("secret", "credentials"): {"user": b"ada", "password": b"s3cret"},
    ("configMap", "settings"): {"mode": b"fast", "list.txt": b"a\nb\n"},
}


def launch(container: dict[str, Any], *volumes: dict[str, Any]) -> Launch:
    spec = {"containers": [{"name": "main", "image": "tool:1", **container}], "volumes": list(volumes)}
    pod = {"metadata": {"name": "seed-x1", "namespace": "acme"}, "spec": spec}
    return launch_of(pod, ("python3", "tool.py"), ROOT, lambda kind, name: OBJECTS.get((kind, name), {}))


def test_command_and_arguments_follow_the_program() -> None:
    words = {"command": ["migrate"], "args": ["--to", "$(VERSION)", "$$(VERSION)"]}
    made = launch({**words, "env": [env("VERSION", "42")]})
    assert made.command == ("python3", "tool.py", "migrate", "--to", "42", "$(VERSION)")


def test_variables_come_from_values_secrets_config_maps_and_fields() -> None:
    made = launch(
        {
            "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "S_"}],
            "env": [
                env("HOST", "db"),
                env("URL", "postgresql://$(HOST)"),
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "password"}}},
                {"name": "PLACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            ],
        }
    )
    assert made.environment["URL"] == "postgresql://db"
    assert made.environment["PASSWORD"] == "s3cret"
    assert made.environment["PLACE"] == "acme"
    assert made.environment["S_mode"] == "fast"


def test_mounted_files_are_below_the_root_and_paths_to_them_follow() -> None:
    made = launch(
        {
            "args": ["/config/list.txt", "/configuration"],
            "env": [env("INPUT", "/config/list.txt"), env("RESULT", "/dev/termination-log")],
            "volumeMounts": [{"name": "settings", "mountPath": "/config"}, {"name": "scratch", "mountPath": "/tmp/x"}],
        },
        {"name": "settings", "configMap": {"name": "settings", "items": [{"key": "list.txt", "path": "list.txt"}]}},
        {"name": "scratch", "emptyDir": {}},
    )
    assert made.files == {"/config/list.txt": b"a\nb\n"}
    assert made.command[2:] == ("/private/root/config/list.txt", "/configuration")
    assert made.environment["INPUT"] == "/private/root/config/list.txt"
    assert made.environment["RESULT"] == "/private/root/dev/termination-log"
    assert "/tmp/x" in made.folders


def test_a_projected_volume_joins_its_sources_and_a_sub_path_is_one_file() -> None:
    sources = [{"secret": {"name": "credentials"}}, {"configMap": {"name": "settings"}}]
    made = launch(
        {
            "volumeMounts": [
                {"name": "all", "mountPath": "/all"},
                {"name": "all", "mountPath": "/etc/password", "subPath": "password"},
            ]
        },
        {"name": "all", "projected": {"sources": sources}},
    )
    assert set(made.files) == {"/all/user", "/all/password", "/all/mode", "/all/list.txt", "/etc/password"}


def test_secrets_are_decoded_and_config_maps_are_not() -> None:
    encoded = base64.b64encode(b"\x00secret").decode()
    assert data_of({"kind": "Secret", "data": {"key": encoded}}) == {"key": b"\x00secret"}
    assert data_of({"kind": "ConfigMap", "data": {"key": "text"}, "binaryData": {"raw": encoded}}) == {
        "key": b"text",
        "raw": b"\x00secret",
    }


def test_a_termination_message_keeps_its_last_4096_bytes(tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_text("x" * 1_000_000 + "end")
    assert len(termination_message(file, None)) == MESSAGE_BYTES
    assert termination_message(file, None).endswith("end")


def test_an_empty_message_falls_back_to_the_end_of_the_log(tmp_path: Path) -> None:
    log, nothing = tmp_path / "log", tmp_path / "nothing"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    message = termination_message(nothing, log)
    assert message.endswith("line 999\n")
    assert len(message.splitlines()) == 80
    assert termination_message(nothing, None) == ""


def env(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}
