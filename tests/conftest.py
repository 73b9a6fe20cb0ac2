"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Several suites share a few cores: how long an example takes says nothing of the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
