"""What a restore of rows sets off besides: triggers of people, cascades into other relations."""

from __future__ import annotations

from tests.fixtures.journey import Journey
from tests.integration.restore.restoring import assert_untouched, documents, restore, state

SHOUT = (
    "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN NEW.name := upper(NEW.name); RETURN NEW; END$$;"
    "CREATE TRIGGER shout BEFORE INSERT OR UPDATE OF name ON users"
    " FOR EACH ROW EXECUTE FUNCTION shout()"
)


def test_triggers_of_people_are_silent_and_named(journey: Journey, first: str) -> None:
    journey.sql(SHOUT)

    plan = journey.done("restore", first, "--database", "--dry-run", "-o", "json").json()
    script = journey.done("restore", first, "--database", "--dry-run", "-o", "sql")
    report = restore(journey, first).json()

    assert "trigger 'shout' on public.users is silent" in script.err
    assert 'ALTER TABLE "public"."users" DISABLE TRIGGER "shout";' in script.out
    assert 'ALTER TABLE "public"."users" ENABLE TRIGGER "shout";' in script.out
    shout = {"relation": "public.users", "kind": "trigger", "name": "shout", "silenced": True}
    assert shout in plan["code"]
    assert plan["code"] == report["code"]
    assert documents(journey) == documents(journey, first)
    enabled = journey.connection.execute("SELECT tgenabled::text FROM pg_trigger"
                                         " WHERE tgname = 'shout'").fetchone()  # fmt: skip
    assert enabled == ("O",)


def test_triggers_fire_where_that_is_asked(journey: Journey, first: str) -> None:
    journey.sql(SHOUT)

    result = restore(journey, first, "--fire-triggers")

    assert result.code == 0
    assert any("users:42" in warning for warning in result.json()["warnings"])
    name = journey.connection.execute("SELECT name FROM users WHERE id = 42").fetchone()
    assert name == ("USER 42",)
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_trigger_that_raises_changes_nothing(journey: Journey, first: str) -> None:
    journey.sql(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'no'; END$$;"
        "CREATE TRIGGER no BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION no()"
    )
    before = state(journey)

    result = restore(journey, first, "--fire-triggers")

    assert result.code == 9
    assert_untouched(journey, before, result)


def test_cascade_into_rows_of_others_is_refused(journey: Journey, first: str) -> None:
    journey.sql("CREATE TABLE notes (user_id int REFERENCES users ON DELETE CASCADE, note text);"
                "INSERT INTO notes VALUES (99, 'hello')")  # fmt: skip
    before = state(journey)

    result = restore(journey, first)

    assert result.code == 6
    assert "public.notes" in result.err
    assert "--override cascade" in result.err
    assert_untouched(journey, before, result)
    done = restore(journey, first, "--override", "cascade").json()
    assert done["cascades"] == [
        {"relation": "public.notes", "constraint": "notes_user_id_fkey", "event": "delete",
         "action": "cascade", "rows": 1}
    ]  # fmt: skip
    assert "Gitexport-Override: cascade" in journey.git("log", "-1", "--format=%B")


def test_update_that_others_would_follow_is_refused(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users ADD UNIQUE (name);"
                "CREATE TABLE notes (author text REFERENCES users (name) ON UPDATE CASCADE);"
                "INSERT INTO notes SELECT name FROM users WHERE id = 42")  # fmt: skip
    before = state(journey)

    result = restore(journey, first)

    assert result.code == 6
    assert "1 of public.notes (notes_author_fkey, on update cascade)" in result.err
    assert "--override cascade" in result.err
    assert_untouched(journey, before, result)
    done = restore(journey, first, "--override", "cascade").json()
    assert done["cascades"] == [
        {"relation": "public.notes", "constraint": "notes_author_fkey", "event": "update",
         "action": "cascade", "rows": 1}
    ]  # fmt: skip
    assert documents(journey) == documents(journey, first)
