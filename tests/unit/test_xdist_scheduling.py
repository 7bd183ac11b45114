"""Which worker runs which tests: the last of three has no sandbox."""

import pytest

from tests.xdist_scheduling import group_of, is_apart, needs_sandbox


def test_only_the_last_of_three_workers_is_apart():
    assert [is_apart(f"gw{number}", 3) for number in range(3)] == [False, False, True]
    assert not any(is_apart(f"gw{number}", 2) for number in range(2))
    assert not is_apart("", 0)


@pytest.mark.parametrize(
    ("file", "group", "in_sandbox"),
    [
        ("tests/acceptance/test_kill.py", "tests/acceptance/test_kill.py", True),
        ("tests/acceptance/stalls/test_one_tenant_stalls.py", "limited", True),
        ("tests/acceptance/products/test_parameters.py", "products", True),
        ("tests/console/test_reads.py", "tests/console/test_reads.py", True),
        ("tests/chaos/test_trials.py", "tests/chaos/test_trials.py", True),
        ("tests/integration/test_page_new.py", "tests/integration/test_page_new.py", False),
        ("tests/unit/test_advice.py", "tests/unit/test_advice.py", False),
    ],
)
def test_a_file_or_the_folder_of_a_sandbox_is_a_group(file: str, group: str, in_sandbox: bool):
    assert (group_of(file), needs_sandbox(group)) == (group, in_sandbox)
