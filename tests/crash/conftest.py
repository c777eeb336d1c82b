"""Offers the fixtures of this directory."""

from tests.crash.scene import bare_scene, exporter, scene

__all__ = ["bare_scene", "exporter", "scene"]
