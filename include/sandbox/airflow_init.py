"""Prepares the metadata database of the sandbox's Airflow, as in every installation (`installation.metadata`).

`preparation` runs it as a process of its own, in the environment of the sandbox's Airflow.
"""

from installation.metadata import write
from sandbox import ports, secrets
from sandbox.airflow_contents import contents
from sandbox.layout import Layout


def main() -> None:
    layout = Layout.find()
    write(contents(layout, ports.recorded(layout.ports), secrets.load(layout.secrets)))


if __name__ == "__main__":
    main()
