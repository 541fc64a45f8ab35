"""On PostgreSQL the program refuses to run as somebody whom row-level security does not hold."""

import re
from pathlib import Path

import pytest

from printfarm.config import load_settings
from printfarm.core.database import make_engine
from printfarm.core.fences import Unfenced, refuse_unfenced
from printfarm.processes.application import fenced_app
from tests.support.databases import OWNER, PROGRAM, Postgres

ROOT = Path(__file__).parents[2]


def refuse_as(postgres: Postgres, role: str) -> None:
    engine = make_engine(postgres.url(role, "template_printfarm"))
    try:
        refuse_unfenced(engine)
    finally:
        engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize(("role", "why"), [("postgres", "is a superuser"), (OWNER, "owns the tables")])
def test_a_role_that_sees_every_shop_is_refused(postgres, role, why):
    with pytest.raises(Unfenced, match=why) as refused:
        refuse_as(postgres, role)
    assert "PRINTFARM_DATABASE_OWNER_URL" in str(refused.value)


@pytest.mark.postgres
def test_a_role_that_may_bypass_the_fence_is_refused(postgres):
    postgres.execute("CREATE ROLE passer LOGIN BYPASSRLS")
    try:
        with pytest.raises(Unfenced, match="may bypass"):
            refuse_as(postgres, "passer")
    finally:
        postgres.execute("DROP ROLE passer")


@pytest.mark.postgres
def test_the_programs_role_may_run(postgres):
    refuse_as(postgres, PROGRAM)


def test_sqlite_has_no_roles_to_refuse(sqlite_template):
    refuse_unfenced(make_engine(f"sqlite:///{sqlite_template}"))


@pytest.mark.postgres
def test_a_process_does_not_start_as_the_owner_of_the_tables(postgres, redis_url, tmp_path):
    with postgres.fresh_database() as url:
        environ = {
            "PRINTFARM_DATA_DIR": str(tmp_path),
            "PRINTFARM_DATABASE_URL": url.replace(PROGRAM, OWNER),
            "PRINTFARM_REDIS_URL": redis_url,
        }
        with pytest.raises(Unfenced, match="owns the tables"):
            fenced_app(load_settings(environ))


@pytest.mark.parametrize("process", ["web", "worker"])
def test_web_and_worker_build_their_application_behind_the_fence(process):
    text = (ROOT / f"printfarm/processes/{process}.py").read_text()
    assert re.search(r"\bfenced_app\(", text)
    assert not re.search(r"\bcreate_app\(", text), "an application that nobody looked at"
