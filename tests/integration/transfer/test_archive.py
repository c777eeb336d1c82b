"""`gitexport archive`: whole, the same every time, and readable by everybody's tar."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pygit2.enums
import pytest

from gitexport.api.snapshot_place import open_archive, open_commit
from gitexport.canonical.value import canonical_value, loads
from gitexport.model.snapshot import ObjectId, parse_tag
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from gitexport.store.revisions import resolve
from gitexport.transfer.archive import write_archive
from tests.fixtures.journey import Journey
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import write_tree
from tests.fixtures.workbench import RecordingProgress
from tests.integration.transfer.archives import take_apart

# Of the archive that `test_tar_is_the_same_for_ever` makes; it may change with the format only.
TAR_SHA256 = "7a3bed094e33bea4e66d7e79f6af9f713f9534ff72be67f2c86056d6b7254c5b"


def test_archive_holds_the_snapshot_and_nothing_of_people(journey: Journey, tmp_path: Path) -> None:
    (journey.path / "notes.txt").write_text("ours")
    (journey.path / "data/users/README.md").write_text("ours")
    journey.git("add", "-A")
    journey.git("commit", "-qm", "notes")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    tag = journey.export()
    journey.sql("UPDATE users SET name = 'Bea' WHERE id = 42")
    journey.export()

    target = tmp_path / "s.tar.gz"
    report = journey.done("archive", tag, "-f", str(target), "-o", "json").json()

    parts = take_apart(target)
    assert parts.directory == tag
    at = datetime.fromtimestamp(parts.mtime, UTC)
    assert at == parse_tag(tag)
    listed = journey.git("ls-tree", "-r", "--name-only", tag).split()
    people = {"notes.txt", "data/users/README.md", "README.md", ".gitattributes"}
    names = [name for name, _content in parts.members]
    assert sorted(names) == sorted({"export-summary.json", *listed} - people)
    for name, content in parts.members[1:]:
        blob = journey.git("rev-parse", f"{tag}:{name}")
        assert journey.repository.read_blob(bytes.fromhex(blob)) == content
    assert report["format"] == "gitexport.archive/v1"
    assert (report["snapshot"], report["commit"]) == (tag, journey.git("rev-parse", f"{tag}^{{}}"))
    assert report["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert report["tar_sha256"] == hashlib.sha256(gzip.decompress(target.read_bytes())).hexdigest()
    assert report["bytes"] == target.stat().st_size
    assert report["members"] == len(names) + 1
    assert report["documents"] == 72
    summary = json.loads(parts.content("export-summary.json"))
    assert summary["entities"]["users"]["documents"] == 60
    sizes = journey.git("ls-tree", "-r", "-l", tag, "data/users").splitlines()
    documents = [int(line.split()[3]) for line in sizes if line.endswith(".json")]
    assert summary["entities"]["users"]["bytes"] == sum(documents)


def test_index_is_canonical_and_says_every_member(journey: Journey, tmp_path: Path) -> None:
    target = tmp_path / "s.tar.gz"
    journey.done("archive", "latest", "-f", str(target))
    done = subprocess.run(
        ["tar", "-xzf", str(target), "-C", str(tmp_path)], capture_output=True, check=True
    )
    assert done.stderr == b""
    top = tmp_path / take_apart(target).directory
    index = json.loads((top / "index.json").read_bytes())
    for member in index["members"]:
        content = (top / member["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == member["sha256"]
        assert len(content) == member["size"]
    assert len(index["members"]) + 1 == sum(path.is_file() for path in top.rglob("*"))
    for name in ("index.json", "export-summary.json"):
        content = (top / name).read_bytes()
        assert canonical_value(loads(content)) == content


def test_same_snapshot_gives_the_same_bytes_in_any_clone(journey: Journey, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(journey.path), str(clone))
    written = []
    for number, place in enumerate((journey.path, clone)):
        target = tmp_path / f"{number}.tar.gz"
        command = [sys.executable, "-m", "gitexport", "-C", str(place)]
        subprocess.run(
            [*command, "archive", "latest", "-f", str(target), "-q"],
            env={
                "PATH": "/usr/bin:/bin",
                "TZ": f"Etc/GMT{5 * number}",
                "PYTHONHASHSEED": str(number),
            },
            umask=0o77 if number else 0o22,
            check=True,
            capture_output=True,
        )
        written.append(target.read_bytes())

    assert written[0] == written[1]
    # No name, no time and no operating system in the header of gzip.
    assert written[0][:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


def test_tar_inside_does_not_depend_on_the_compressor(journey: Journey, tmp_path: Path) -> None:
    from gitexport.transfer import archive_writer

    first, second = tmp_path / "1.tar.gz", tmp_path / "2.tar.gz"
    journey.done("archive", "latest", "-f", str(first))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_writer, "LEVEL", 9)
        journey.done("archive", "latest", "-f", str(second))

    assert first.read_bytes() != second.read_bytes()
    assert gzip.decompress(first.read_bytes()) == gzip.decompress(second.read_bytes())


def test_standard_output_gives_the_same_archive_and_nothing_else(
    journey: Journey, tmp_path: Path
) -> None:
    target = tmp_path / "s.tar.gz"
    journey.done("archive", "latest", "-f", str(target))
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path)]
    done = subprocess.run(
        [*command, "archive", "latest", "-f", "-"], capture_output=True, check=True
    )

    assert done.stdout == target.read_bytes()
    refused = journey.run("archive", "latest", "-f", "-", "-o", "json")
    assert (refused.code, refused.out) == (2, "")


def test_failure_leaves_the_old_file_and_no_other(journey: Journey, tmp_path: Path) -> None:
    target = tmp_path / "sub" / "s.tar.gz"
    target.parent.mkdir()
    target.write_bytes(b"old")
    path = min((journey.path / "data/users").rglob("*.json"))
    path.unlink()
    path.symlink_to("/etc/passwd")
    journey.git("add", "-A")
    journey.git("commit", "-qm", "a link")
    commit = journey.git("rev-parse", "main")

    result = journey.run("archive", commit, "-f", str(target))
    assert result.code == 7
    assert "is not a regular file" in result.err
    assert [(path.name, path.read_bytes()) for path in target.parent.iterdir()] == [
        ("s.tar.gz", b"old")
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("20010101-000000", "-f", "s.tar.gz"), "there is no snapshot '20010101-000000'"),
        (("latest", "-f", "."), "is a directory"),
        (("latest", "-f", "/dev/null"), "is not a regular file"),
        (("latest", "-f", "no/such/s.tar.gz"), "in a directory that does not exist"),
        (("latest",), "--file"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    journey: Journey, arguments: tuple[str, ...], words: str
) -> None:
    result = journey.run("archive", *arguments)

    assert result.code == 2
    assert words in result.err


def test_link_to_a_file_stays_a_link(journey: Journey, tmp_path: Path) -> None:
    target = tmp_path / "s.tar.gz"
    target.write_bytes(b"old")
    link = tmp_path / "newest.tar.gz"
    link.symlink_to(target)
    journey.done("archive", "latest", "-f", str(link))

    assert link.is_symlink()
    assert target.read_bytes()[:2] == b"\x1f\x8b"


def test_tar_is_the_same_for_ever(tmp_path: Path) -> None:
    repository = DataRepository.create(tmp_path)
    manifest = {"directory": "data/words", "shard": "flat", "count": 2, "bytes": 12, "schema": ""}
    long = "long" * 30 + "~" + "0" * 64
    files = {
        "gitexport.toml": 'format = 1\nid = "x"\n[entities.words]\nrelation = "public.words"\n'
        'key = ["word"]\ncolumns = ["word"]\ndirectory = "data/wörter"\nshard = "flat"\n',
        "manifest.json": json.dumps(
            {
                "format": 1,
                "version": "1.0.0",
                "entities": {"words": {**manifest, "directory": "data/wörter"}},
            }
        ),
        "relations/words.json": json.dumps(
            {
                "relation": "public.words",
                "kind": "table",
                "columns": [{"name": "word", "type": "text", "published": True}],
                "primary_key": ["word"],
            }
        ),
        "data/wörter/short.json": '{\n  "word": "short"\n}\n',
        f"data/wörter/{long}.json": '{\n  "word": "long"\n}\n',
        "README.md": "people's\n",
    }
    at = int(datetime(2025, 6, 22, 7, 21, 14, tzinfo=UTC).timestamp())
    tree = write_tree(repository.pygit(), files)
    who = f"T <t@example.org> {at} +0000"
    message = "export 20250622-072114: +2\n\nGitexport-Snapshot: 20250622-072114\n"
    content = f"tree {tree}\nauthor {who}\ncommitter {who}\n\n{message}"
    written = repository.pygit().odb.write(pygit2.enums.ObjectType.COMMIT, content.encode())
    commit = refs.read_commit(repository, ObjectId(str(written)))
    output = io.BytesIO()
    report = write_archive(
        open_commit(repository, commit, "here"), commit, output, RecordingProgress()
    )

    assert report.written.members == 7
    assert report.written.tar_sha256 == TAR_SHA256


def test_archive_gives_an_import_what_the_repository_gives(
    journey: Journey, tmp_path: Path
) -> None:
    journey.sql("CREATE TABLE words (word text PRIMARY KEY, note text)")
    journey.sql("INSERT INTO words VALUES ('short', 'x'), (repeat('long', 100), 'y')")
    journey.sql("CREATE TABLE empty (id integer PRIMARY KEY)")
    journey.done("init")
    journey.done("track")
    config = journey.path / "gitexport.toml"
    schema = journey.path / "schemas" / "users.schema.json"
    schema.parent.mkdir()
    schema.write_text('{\n  "type": "object"\n}\n')
    text = config.read_text().replace(
        "[entities.users]", '[entities.users]\nschema = "schemas/users.schema.json"'
    )
    query = '\n[documents."data/totals.json"]\nquery = "SELECT 1 AS one"\n'
    config.write_text(text + query)
    journey.git("add", "schemas")
    journey.git("commit", "-qm", "a schema")
    journey.export("--accept-config")
    target = tmp_path / "s.tar.gz"
    journey.done("archive", "latest", "-f", str(target))

    commit = resolve(journey.repository, "main", "latest")
    wanted = open_commit(journey.repository, commit, "here")
    found = open_archive(target)
    try:
        assert (found.snapshot, found.commit) == (wanted.snapshot, wanted.commit)
        # Messages name the file by where it is.
        file = wanted.publication.config_file
        assert replace(found.publication, config_file=file) == wanted.publication
        assert found.entities.keys() == wanted.entities.keys()
        for name, entity in wanted.entities.items():
            other = found.entities[name]
            assert (entity.published, entity.schema) == (other.published, other.schema)
            assert entity.stored.relation == other.stored.relation
            assert entity.stored.manifest == other.stored.manifest
            assert entity.stored.key == other.stored.key
        # In an order that goes back and forth in the file, and twice.
        for name in [*wanted.entities, *reversed(wanted.entities)]:
            assert list(found.documents(name)) == list(wanted.documents(name))
        assert found.entities["users"].schema == schema.read_bytes()
        assert (
            found.reader.read("data/totals.json")
            == (journey.path / "data/totals.json").read_bytes()
        )
    finally:
        found.close()
