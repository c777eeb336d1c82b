"""What a first user sees: one snapshot, then only what changed."""

import json
import re
from decimal import Decimal

import pytest

from gitexport.canonical.check import check
from gitexport.model.entity import Deletes, Tracking
from tests.fixtures.workbench import Workbench

TAG = re.compile(r"\d{8}-\d{6}")


def make_users(bench: Workbench, rows: int = 40) -> None:
    bench.sql("CREATE TABLE users (id bigint PRIMARY KEY, name text, score numeric, tags jsonb)")
    bench.sql(
        "INSERT INTO users SELECT g, 'user ' || g, g / 7.0, "
        f"jsonb_build_object('n', g, 'z', ARRAY[1.10, 2]) FROM generate_series(1, {rows}) g"
    )


@pytest.fixture
def users(workbench: Workbench) -> Workbench:
    make_users(workbench)
    workbench.add_entity("users", "id", "name", "score", "tags", shard="mod/1/1/1")
    return workbench


def test_first_export_holds_every_row_as_row_to_json_gives_it(users: Workbench) -> None:
    report = users.export()

    files = users.files("data/users")
    rows = users.sql(
        "SELECT id, row_to_json(r)::text FROM (SELECT id, name, score, tags FROM users) r"
    )
    oracle = {int(str(key)): str(text) for key, text in rows}
    assert len(files) == 40
    for key, text in oracle.items():
        content = files[f"data/users/0/{key // 16:x}/{key % 16:x}/{key}.json"]
        check(content.encode() + b"\n")
        assert json.loads(content, parse_float=Decimal) == json.loads(text, parse_float=Decimal)
    assert report.entities["users"].added == 40
    assert report.mode == "full"
    assert users.pending("users") == 0
    users.check()


def test_snapshot_is_a_commit_with_an_annotated_tag_of_the_same_instant(users: Workbench) -> None:
    report = users.export()

    assert report.snapshot is not None
    assert TAG.fullmatch(report.snapshot)
    assert users.git("cat-file", "-t", report.snapshot) == "tag"
    assert users.git("rev-parse", f"{report.snapshot}^{{commit}}") == report.commit
    times = users.git("log", "-1", "--format=%at %ct")
    tagger = users.git("for-each-ref", "--format=%(taggerdate:unix)", "refs/tags")
    assert set(times.split()) == {tagger}
    assert users.git("log", "-1", "--format=%cd", "--date=format:%Y%m%d-%H%M%S") == report.snapshot
    assert users.git("log", "-1", "--format=%s") == (
        f"export {report.snapshot}: +40 ~0 -0 in 1 entity"
    )


def test_second_run_makes_no_commit(users: Workbench) -> None:
    users.export()
    tree = users.git("rev-parse", "HEAD^{tree}")

    report = users.export()

    assert report.snapshot is None
    assert report.commit is None
    assert report.exit_code == 0
    assert users.commits() == 1
    assert users.export(full=True).snapshot is None
    assert users.git("rev-parse", "HEAD^{tree}") == tree


def test_one_changed_row_changes_one_document(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'Änne' WHERE id = 17")

    report = users.export()

    changed = users.git("diff", "--name-status", "HEAD~", "HEAD").splitlines()
    assert changed == ["M\tdata/users/0/1/1/17.json", "M\tmanifest.json"]
    assert report.mode == "incremental"
    assert report.entities["users"].modified == 1
    assert (users.path / "data/users/0/1/1/17.json").read_text() == users.files()[
        "data/users/0/1/1/17.json"
    ] + "\n"
    users.check()


def test_update_without_a_change_is_acknowledged_without_a_commit(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = name WHERE id < 5")
    assert users.pending("users") == 4

    report = users.export()

    assert report.snapshot is None
    assert report.entities["users"].unchanged == 4
    assert users.pending("users") == 0


def test_deletions_and_changed_keys_follow(users: Workbench) -> None:
    users.export()
    users.sql("DELETE FROM users WHERE id = 3")
    users.sql("UPDATE users SET id = 99 WHERE id = 4")
    users.sql("DELETE FROM users WHERE id = 5")
    users.sql("INSERT INTO users VALUES (5, 'again', 1, '{}')")

    report = users.export()

    names = {path.rpartition("/")[2] for path in users.files("data/users")}
    assert {"3.json", "4.json"} & names == set()
    assert {"5.json", "99.json"} <= names
    counts = report.entities["users"]
    assert (counts.added, counts.modified, counts.deleted) == (1, 1, 2)
    assert users.sql("SELECT count(*) FROM gitexport.tombstones") == [(0,)]
    assert users.export().snapshot is None
    users.check()


def test_truncate_is_noticed_as_a_comparison_of_keys(users: Workbench) -> None:
    users.export()
    users.sql("CREATE TABLE kept AS SELECT * FROM users WHERE id > 2")
    users.sql("TRUNCATE users")
    users.sql("INSERT INTO users SELECT id, name, score, tags FROM kept")

    report = users.export()

    counts = report.entities["users"]
    assert (counts.added, counts.modified, counts.deleted, counts.unchanged) == (0, 0, 2, 38)


def test_deleted_rows_keep_their_documents_where_that_is_wanted(workbench: Workbench) -> None:
    make_users(workbench)
    workbench.add_entity("users", deletes=Deletes.KEEP)
    workbench.export()
    workbench.sql("DELETE FROM users WHERE id = 3")

    assert workbench.export().snapshot is None
    assert workbench.export(full=True).snapshot is None
    assert "data/users/3.json" in workbench.files()


def test_row_that_leaves_the_filter_is_a_deletion(workbench: Workbench) -> None:
    make_users(workbench)
    workbench.add_entity("users", where="score > 1")
    workbench.export()
    assert "data/users/7.json" not in workbench.files()
    workbench.sql("UPDATE users SET score = 0 WHERE id = 20")
    workbench.sql("UPDATE users SET score = 5 WHERE id = 7")

    report = workbench.export()

    counts = report.entities["users"]
    assert (counts.added, counts.modified, counts.deleted) == (1, 0, 1)
    assert "data/users/20.json" not in workbench.files()
    assert workbench.export().snapshot is None


@pytest.mark.parametrize("tracking", [Tracking.TABLE, Tracking.COMPARE])
def test_other_ways_of_tracking_give_the_same_trees(
    workbench: Workbench, tracking: Tracking
) -> None:
    make_users(workbench)
    workbench.add_entity("users", "id", "name", "tags", tracking=tracking)
    workbench.export()
    workbench.sql("UPDATE users SET name = 'x' WHERE id = 1")
    workbench.sql("DELETE FROM users WHERE id = 2")
    workbench.sql("INSERT INTO users VALUES (100, 'new', 1, null)")

    report = workbench.export()

    counts = report.entities["users"]
    assert (counts.added, counts.modified, counts.deleted) == (1, 1, 1)
    assert workbench.export().snapshot is None
    assert "json_exported" not in {
        name
        for (name,) in workbench.sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass"
        )
    }
    workbench.check()


def test_several_processes_make_the_same_tree_as_one(
    users: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    del tmp_path_factory
    users.sql("INSERT INTO users SELECT g, 'u', g, null FROM generate_series(41, 900) g")
    alone = users.export(is_dry_run=True, workers=1)
    report = users.export(workers=3)
    tree = users.git("rev-parse", "HEAD^{tree}")

    assert alone.entities["users"].added == report.entities["users"].added == 900
    assert users.pending("users") == 0
    users.check()
    users.sql("DELETE FROM users WHERE id BETWEEN 400 AND 440")
    users.sql("UPDATE users SET name = 'v' WHERE id % 9 = 0")
    users.export(full=True, workers=3)
    users.check()
    several = users.git("rev-parse", "HEAD^{tree}")
    users.git("checkout", "-q", "-b", "other", tree_commit(users, tree))
    assert users.export(full=True, workers=1, branch="other").snapshot
    assert users.git("rev-parse", "other^{tree}") == several


def tree_commit(bench: Workbench, tree: str) -> str:
    log = bench.git("log", "--format=%H %T").splitlines()
    return next(line.split()[0] for line in log if line.endswith(tree))


def test_row_without_a_key_is_left_alone_where_the_filter_excludes_it(
    workbench: Workbench,
) -> None:
    workbench.sql("CREATE TABLE users (id int UNIQUE, name text)")
    workbench.sql("INSERT INTO users VALUES (1, 'a'), (2, 'b'), (NULL, 'nobody'), (NULL, 'none')")
    workbench.add_entity("users", where="id IS NOT NULL")

    workbench.export()

    assert set(workbench.files()) == {"data/users/1.json", "data/users/2.json"}
    workbench.sql("UPDATE users SET name = 'x' WHERE id IS NULL")
    assert workbench.export().snapshot is None
    workbench.check()
