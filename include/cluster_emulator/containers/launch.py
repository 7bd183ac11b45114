"""What a container needs to start: command, environment and files, from its pod and the objects that the pod names.

Pure: `containers.py` writes the files and starts the program. A program has no file system of its own: what is mounted
at `/data` is in the folder `<root>/data`. A word of command, arguments or `env` that is, or is below, a mounted path or
the termination message's path is changed to where that file really is. So a program that takes its paths from its
environment is the same program in a container.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster_emulator.objects import Object, lookup

MESSAGE_PATH: Final = "/dev/termination-log"
_VARIABLE: Final = re.compile(r"\$(\$|\([A-Za-z_][A-Za-z0-9_.-]*\))")
Data = Mapping[str, bytes]
Find = Callable[[str, str], Data]
"""(`secret` or `configMap`, name) -> its data; empty when there is no such object."""


@dataclass(frozen=True)
class Launch:
    """One container, ready to start. Paths are absolute, as the container would see them."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[str, bytes]
    folders: tuple[str, ...]
    message_path: str


def launch_of(pod: Object, program: Sequence[str], root: Path, find: Find) -> Launch:
    """The pod's only container. `program` stands for the image's entrypoint."""
    container = pod["spec"]["containers"][0]
    message = str(container.get("terminationMessagePath") or MESSAGE_PATH)
    mounts = list(container.get("volumeMounts") or [])
    paths = [message, *(mount["mountPath"] for mount in mounts)]
    given = dict(_environment(pod, container, find))
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    placed = [_placed(_expanded(str(word), given), paths, root) for word in words]
    files = dict(_files(pod, mounts, find))
    folders = tuple(mount["mountPath"] for mount in mounts if mount["mountPath"] not in files)
    environment = {name: _placed(value, paths, root) for name, value in given.items()}
    return Launch((*program, *placed), environment, files, folders, message)


def _placed(word: str, paths: list[str], root: Path) -> str:
    """The word, with the root before it when it is a path that is there."""
    return f"{root}{word}" if any(word == path or word.startswith(f"{path.rstrip('/')}/") for path in paths) else word


def _environment(pod: Object, container: Object, find: Find) -> Iterator[tuple[str, str]]:
    yield "HOSTNAME", str(pod["metadata"]["name"])
    for source in container.get("envFrom") or []:
        for kind, reference in (("secret", source.get("secretRef")), ("configMap", source.get("configMapRef"))):
            for key, value in find(kind, reference["name"]).items() if reference else ():
                yield f"{source.get('prefix') or ''}{key}", value.decode(errors="replace")
    known: dict[str, str] = {}
    for variable in container.get("env") or []:
        known[variable["name"]] = _expanded(_value(pod, variable, find), known)
    yield from known.items()


def _value(pod: Object, variable: Object, find: Find) -> str:
    source = variable.get("valueFrom") or {}
    for kind, key in (("secret", "secretKeyRef"), ("configMap", "configMapKeyRef")):
        if reference := source.get(key):
            return find(kind, reference["name"]).get(reference["key"], b"").decode(errors="replace")
    if path := lookup(source, "fieldRef", "fieldPath"):
        return str(lookup(pod, *str(path).split(".")) or "")
    return str(variable.get("value") or "")


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the variable's value, `$$` one dollar sign, as Kubernetes has it."""

    def replaced(found: re.Match[str]) -> str:
        return "$" if found[1] == "$" else known.get(found[1][1:-1], found[0])

    return _VARIABLE.sub(replaced, text)


def _files(pod: Object, mounts: list[Object], find: Find) -> Iterator[tuple[str, bytes]]:
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
    for mount in mounts:
        contents = dict(_contents(volumes[mount["name"]], find))
        path, inside = mount["mountPath"].rstrip("/"), mount.get("subPath")
        if inside:
            yield from ((path, data) for key, data in contents.items() if key == inside)
        else:
            yield from ((f"{path}/{key}", data) for key, data in contents.items())


def _contents(volume: Object, find: Find) -> Iterator[tuple[str, bytes]]:
    """The files of a volume. What is no Secret or ConfigMap is an empty folder."""
    sources = lookup(volume, "projected", "sources") or [volume]
    for source in sources:
        for kind in ("secret", "configMap"):
            if reference := source.get(kind):
                data = find(kind, reference.get("secretName") or reference.get("name") or "")
                yield from _items(data, reference.get("items"))


def _items(data: Data, items: list[Object] | None) -> Iterator[tuple[str, bytes]]:
    if not items:
        yield from data.items()
    else:
        yield from ((item["path"], data[item["key"]]) for item in items if item["key"] in data)


def data_of(document: Object) -> dict[str, bytes]:
    """The data of a Secret or ConfigMap."""
    plain = document.get("data") or {}
    binary = {**(document.get("binaryData") or {}), **(plain if document["kind"] == "Secret" else {})}
    texts = {} if document["kind"] == "Secret" else plain
    encoded = {key: text.encode() for key, text in texts.items()}
    return {**encoded, **{key: base64.b64decode(text or "") for key, text in binary.items()}}
