"""The command line: `python -m cluster_emulator --data DIR --port N --token-file F [--ingress-port M]`.

It runs until SIGTERM or Ctrl-C. It prints one line with the address once it answers, and leaves a kubeconfig and its CA
in the data folder. `emulator.py` joins the parts; here are only arguments, signals and the files that clients need.
"""

import argparse
import asyncio
import signal
from pathlib import Path

from cluster_emulator.certificates import ensure_certificate
from cluster_emulator.clock import Clock
from cluster_emulator.containers.containers import Containers
from cluster_emulator.containers.programs import ProgramFile
from cluster_emulator.controllers.namespaces import DELAY_SECONDS
from cluster_emulator.emulator import ClusterEmulator, open_disk
from cluster_emulator.ingress.application import Application, describe_request
from cluster_emulator.kubeconfig import ensure_token, kubeconfig, write_private


def main(application: Application = describe_request, *, program: str = "python -m cluster_emulator") -> None:
    """Serve a cluster behind whose ingress this application answers."""
    asyncio.run(_serve(_arguments(program), application))


def _arguments(program: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=program, description="A part of the Kubernetes API, without containers.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the state; made when missing")
    parser.add_argument("--port", type=int, required=True, help="of the API; 0 takes any free one")
    parser.add_argument("--token-file", type=Path, required=True, help="the bearer token; made when missing")
    parser.add_argument("--ingress-port", type=int, help="of the ingress listener; none without it")
    parser.add_argument(
        "--programs",
        type=Path,
        help='JSON file, image -> command: {"registry.example/tool:1": ["python3", "/path/tool.py"]}; such an image is '
        "run for real in pods that are not restarted for ever. Read at each start of a container",
    )
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    parser.add_argument(
        "--namespace-delay",
        type=float,
        default=DELAY_SECONDS,
        help="simulated seconds until the end of a deleted namespace begins; in a real cluster 5",
    )
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace, application: Application) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    disk = open_disk(arguments.data)
    token = ensure_token(arguments.token_file)
    certificate = ensure_certificate(arguments.data)
    programs = ProgramFile(arguments.programs) if arguments.programs else dict
    containers = Containers(arguments.data.resolve() / "containers", programs)
    clock, pem, delay = Clock(arguments.speed), certificate.pem(), arguments.namespace_delay
    emulator = ClusterEmulator(disk, clock, pem, delay, application, containers=containers)
    tls = certificate.server_context()
    async with emulator.serving(token, arguments.port, arguments.ingress_port, tls) as ports:
        url = f"https://127.0.0.1:{ports.api}"
        write_private(arguments.data / "kubeconfig", kubeconfig(url, token, certificate.pem()))
        ingress = f" ingress {ports.ingress}" if ports.ingress is not None else ""
        print(f"cluster {url}{ingress}", flush=True)
        await stopped.wait()
    disk.close()
