"""Makes the metadata database of the sandbox's Airflow ready, as in every installation (`installation.metadata`).

Run by `preparation` as one process of its own, in the environment of the sandbox's Airflow.
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
