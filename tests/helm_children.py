"""Helm processes that live below this one. For tests that none is left over."""

import psutil


def helm_children() -> list[psutil.Process]:
    """Not zombies: they too are among the children of a long test run, and have no command line."""
    every = psutil.Process().children(recursive=True)
    return [child for child in every if _is_helm(child)]


def _is_helm(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "helm_child" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
