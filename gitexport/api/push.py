"""Publishes the branch and the snapshots that a remote lacks."""

from __future__ import annotations

from dataclasses import replace

from gitexport.api.managed import managed_paths
from gitexport.api.session import Session, Settings
from gitexport.model.report import PushReport
from gitexport.publish.push import PublishContext, publish


def push(settings: Settings, remote: str | None = None) -> PushReport:
    """Pushes and reads back; see `gitexport.publish.push.publish`."""
    with Session.open(settings) as session:
        return push_session(session, remote=remote)


def push_session(
    session: Session, *, remote: str | None = None, branch: str | None = None
) -> PushReport:
    """Pushes from an open session; `branch` is another one than the configured."""
    publication = session.publication
    if branch is not None:
        publication = replace(publication, branch=branch)
    settings = session.settings
    context = PublishContext(
        is_managed=managed_paths(session.repository, publication),
        clock=settings.clock,
        progress=settings.progress,
    )
    return publish(session.repository, publication, context, remote)
