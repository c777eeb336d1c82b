"""People's triggers and rules rest while rows are written, and are as before afterwards."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.errors import RowRefusedError
from gitexport.model.entity import Tracking
from gitexport.model.writing import PeoplesCode, RowAction
from tests.fixtures.tracked import MakeTracked, make_entity
from tests.integration.source.rewriting import (
    THINGS,
    documents_of,
    make_like,
    texts,
    write_rows,
    writing,
)

TRIGGERS = """
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.v := 'spoilt'; RETURN NEW; END $$;
CREATE FUNCTION spread() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.seen VALUES (TG_NAME); RETURN NULL; END $$;
CREATE TABLE seen (what text);
CREATE TRIGGER "B efore" BEFORE INSERT OR UPDATE ON things FOR EACH ROW EXECUTE FUNCTION spoil();
CREATE TRIGGER always AFTER INSERT ON things FOR EACH STATEMENT EXECUTE FUNCTION spread();
CREATE TRIGGER replica AFTER INSERT ON things FOR EACH ROW EXECUTE FUNCTION spread();
CREATE TRIGGER off AFTER DELETE ON things FOR EACH ROW EXECUTE FUNCTION spread();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON things FROM seen DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION spread();
ALTER TABLE things ENABLE ALWAYS TRIGGER always, ENABLE REPLICA TRIGGER replica,
  DISABLE TRIGGER off;
"""
RULES = """
CREATE RULE no_insert AS ON INSERT TO things DO INSTEAD NOTHING;
CREATE RULE off AS ON DELETE TO things DO INSTEAD NOTHING;
ALTER TABLE things DISABLE RULE off;
"""


def states(connection: psycopg.Connection) -> list[tuple[str, ...]]:
    """Reads every trigger's and rule's state."""
    return connection.execute("""
        SELECT tgrelid::regclass::text, tgname::text, tgenabled::text FROM pg_trigger
         WHERE tgconstraint = 0 OR tgname = 'late'
        UNION ALL SELECT ev_class::regclass::text, rulename, ev_enabled::text FROM pg_rewrite
         WHERE ev_class::regclass::text = 'things'
         ORDER BY 1, 2
    """).fetchall()


def test_triggers_and_rules_rest_and_are_named(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a'), (2, 'b')")
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("DELETE FROM things WHERE id = 1; UPDATE things SET v = 'x'")
    connection.execute(TRIGGERS + RULES)
    enabled = states(connection)

    with writing(database) as writer:
        named = writer.silence([THINGS])
        writer.stage(THINGS, documents.items(), RowAction.UPSERT)
        writer.write()

    name = THINGS.relation
    assert named == (
        PeoplesCode(name, "B efore", "trigger", is_silenced=True),
        PeoplesCode(name, "always", "trigger", is_silenced=True),
        PeoplesCode(name, "late", "trigger", is_silenced=True),
        PeoplesCode(name, "no_insert", "rule", is_silenced=True),
    )
    assert texts(connection, "things") == before
    assert texts(connection, "seen")["seen"] == []
    assert states(connection) == enabled


def test_triggers_fire_where_that_is_wanted(database: str, connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute(TRIGGERS)
    rows = [(("1",), b'{\n  "id": 1,\n  "v": "a"\n}\n')]

    with writing(database, fires_triggers=True) as writer:
        named = writer.silence([THINGS])
        writer.stage(THINGS, rows, RowAction.UPSERT)
        writer.write()
        (written,) = writer.written(THINGS)

    assert {code.name for code in named} == {"B efore", "always", "late"}
    assert not any(code.is_silenced for code in named)
    assert written.document == b'{\n  "id": 1,\n  "v": "spoilt"\n}\n'
    assert texts(connection, "seen")["seen"] == [("always",), ("late",)]


def test_a_plan_names_triggers_and_locks_nobody_out(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute(TRIGGERS)
    connection.execute("SET lock_timeout = '100ms'")
    rows = [(("1",), b'{\n  "id": 1,\n  "v": "a"\n}\n')]
    with writing(database, is_rehearsal=True) as writer:
        writer.stage(THINGS, rows, RowAction.UPSERT)
        assert len(writer.silence([THINGS])) == 3
        assert writer.expected(THINGS).inserted == 1
        connection.execute("INSERT INTO things VALUES (2, 'b')")


def test_triggers_are_as_before_after_a_failure(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text NOT NULL)")
    connection.execute(TRIGGERS + RULES)
    enabled = states(connection)
    with pytest.raises(RowRefusedError):
        write_rows(database, THINGS, [(("1",), b'{\n  "id": 1\n}\n')])

    assert states(connection) == enabled


def test_triggers_of_partitions_get_back_the_state_that_each_had(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
        CREATE TABLE p1 PARTITION OF things FOR VALUES FROM (0) TO (10);
        CREATE TABLE p2 PARTITION OF things FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
        CREATE TABLE p3 PARTITION OF p2 FOR VALUES FROM (10) TO (20);
        INSERT INTO things SELECT n, 'a' FROM generate_series(1, 19) n;
        CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN NEW.v := 'spoilt'; RETURN NEW; END $$;
        CREATE TRIGGER t BEFORE INSERT OR UPDATE ON things FOR EACH ROW EXECUTE FUNCTION spoil();
        CREATE TRIGGER own BEFORE INSERT OR UPDATE ON p1 FOR EACH ROW EXECUTE FUNCTION spoil();
        ALTER TABLE p3 DISABLE TRIGGER t;
        ALTER TABLE p1 ENABLE ALWAYS TRIGGER t;
    """)
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("SET session_replication_role = replica")
    connection.execute("DELETE FROM things WHERE id % 2 = 0")
    connection.execute("RESET session_replication_role")
    enabled = states(connection)

    make_like(database, {THINGS: documents})

    assert texts(connection, "things") == before
    assert states(connection) == enabled


@pytest.mark.parametrize("tracking", [Tracking.FLAG, Tracking.TABLE])
def test_gitexport_s_own_triggers_stay_at_work(
    tracked: MakeTracked, database: str, tracking: Tracking
) -> None:
    users = tracked(
        make_entity(tracking=tracking),
        "CREATE TABLE users (id int PRIMARY KEY, v text)",
        "INSERT INTO users SELECT n, 'a' FROM generate_series(1, 5) n",
    )
    documents = documents_of(database, users.entity)
    users.execute("UPDATE users SET v = 'b' WHERE id < 3", "DELETE FROM users WHERE id = 5")
    users.execute("INSERT INTO users VALUES (9, 'new')")
    users.export()
    users.execute(
        "CREATE FUNCTION set_flag() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.v := 'theirs'; RETURN NEW; END $$",
        "CREATE TRIGGER theirs BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION set_flag()",
    )

    make_like(database, {users.entity: documents})

    assert users.pending() == {"1", "2", "5"}
    assert "9" in users.deleted()
    assert documents_of(database, users.entity) == documents
