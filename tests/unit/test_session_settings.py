"""What our sessions pin, as libpq's `options`: built, read back, merged with what a connection's extra asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.session_settings import PINNED, merged, options_of, require_reported, settings_of
from tenancy.adapters.sessions import session_settings
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,20}(\.[a-z_]{1,10})?", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_settings_are_read_back_as_they_were_written(settings: dict[str, str]):
    assert settings_of(options_of(settings)) == settings


@pytest.mark.parametrize(
    "options",
    ["-c work_mem=64MB", "-cwork_mem=64MB", "--work-mem=64MB", "  -c   work_mem=64MB  ", "-c\twork_mem=64MB"],
)
def test_every_way_to_write_a_setting_is_read(options: str):
    assert settings_of(options) == {"work_mem": "64MB"}


@pytest.mark.parametrize("options", ["-c", "work_mem=64MB", "-e", "-c work_mem", "-c a=1 -c", "--", "\\"])
def test_options_that_are_no_settings_are_refused_with_a_sentence(options: str):
    dsn = Dsn("db.test", 5432, "postgres", "admin", "x", "the storage of region eu", options={"options": options})
    with pytest.raises(
        PlatformError, match=r"`options` of the connection to the storage of region eu .*`-c name=value`"
    ):
        dsn.parameters({})


@pytest.mark.parametrize("name", ["statement_timeout", "STATEMENT_TIMEOUT", "search_path", "timezone", "TimeZone"])
def test_no_extra_overrides_a_setting_of_ours(name: str):
    both = merged({name: "theirs", "work_mem": "64MB"}, session_settings("tests"))
    assert "theirs" not in both.values()
    assert both["work_mem"] == "64MB"


@pytest.mark.parametrize("parameter", ["client_encoding", "keepalives_idle", "tcp_user_timeout", "connect_timeout"])
def test_no_extra_overrides_a_bound_of_the_connection(parameter: str):
    dsn = Dsn("db.test", 5432, "postgres", "admin", "x", options={parameter: "theirs"})
    assert dsn.parameters({})[parameter] != "theirs"


def test_settings_that_did_not_arrive_are_the_platforms_matter():
    expected = session_settings("tenancy run 1")
    require_reported(expected, expected, "The storage")
    with pytest.raises(PlatformError, match=r"The storage did not take .* TimeZone is 'Asia/Kolkata'") as refused:
        require_reported(expected, {**expected, "TimeZone": "Asia/Kolkata"}, "The storage")
    assert refused.value.cause is Cause.STORAGE_POOLER


def test_what_is_pinned_names_no_schema_of_anybody():
    assert PINNED["search_path"] == "pg_catalog"
