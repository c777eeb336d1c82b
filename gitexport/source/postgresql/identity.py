"""Which database this is, told without naming host, port, role or password.

The fingerprint is the SHA-256 of the cluster's system identifier and the database's object
id: it survives restarts, renames and failovers to a physical standby, and differs for a
restored dump, another cluster, or a database that was dropped and made again. Every role may
call `pg_control_system()` unless an administrator revoked it; then the database's name and
properties stand in for the system identifier, which is weaker: a database of the same name
and object id elsewhere would look the same.

Source: PostgreSQL documentation, "Control Data Functions".
"""

from __future__ import annotations

import hashlib

from gitexport.model.ports import SourceIdentity
from gitexport.source.postgresql.session import Cursor

_DIGITS = 32
_MAY_READ = "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')"
_STRONG = """
SELECT d.datname::text, s.system_identifier::text, d.oid::text
  FROM pg_catalog.pg_database d, pg_catalog.pg_control_system() s
 WHERE d.datname = current_database()
"""
_WEAK = """
SELECT d.datname::text, d.datname::text, d.oid::text, d.encoding::text, d.datcollate::text,
       d.datctype::text
  FROM pg_catalog.pg_database d
 WHERE d.datname = current_database()
"""


def read_identity(cursor: Cursor) -> SourceIdentity:
    """Reads the identity of the database that the cursor is connected to.

    Raises:
        psycopg.Error: The server refused a query.
    """
    cursor.execute(_MAY_READ)
    may_read = cursor.fetchone()
    cursor.execute(_STRONG if may_read and may_read[0] else _WEAK)
    database, *marks = cursor.fetchall()[0]
    digest = hashlib.sha256("\n".join(marks).encode()).hexdigest()
    return SourceIdentity(database=database, fingerprint=digest[:_DIGITS])
