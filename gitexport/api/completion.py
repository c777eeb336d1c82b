"""What a data repository holds that can stand on a command line, for the completion of shells.

Needs no database. Raises what opening a data repository raises.
"""

from __future__ import annotations

from gitexport.api.session import Session, Settings, find_repository
from gitexport.store import refs
from gitexport.store.remote import remotes


def known_entities(settings: Settings) -> list[str]:
    """Names the configured entities."""
    with Session.open(settings) as session:
        return [entity.name for entity in session.publication.entities]


def known_snapshots(settings: Settings) -> list[str]:
    """Names the snapshots, the newest first."""
    return refs.snapshot_tags(find_repository(settings))[::-1]


def known_remotes(settings: Settings) -> list[str]:
    """Names the remotes."""
    return remotes(find_repository(settings))
