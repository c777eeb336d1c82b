"""Lists the fixtures' plugins and the profiles of the property tests."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.repositories",
    "tests.fixtures.tracked",
    "tests.fixtures.many_users",
    "tests.fixtures.workbench",
    "tests.fixtures.journey",
]

# A database and a shared machine make examples slow now and then; that is no failure.
_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile(
    "default", deadline=None, max_examples=100, suppress_health_check=_SLOW, database=None
)
settings.register_profile(
    "soak", deadline=None, max_examples=5000, suppress_health_check=_SLOW, database=None
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell without job control has what it starts in the background ignore Ctrl-C, and programs
# hand that down to their own. Tests that interrupt would see nothing happen.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
