"""The fixtures of :mod:`ewallet.testing.plugin`, also where the package is not installed."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load the plugin, unless its entry point has."""
    if not config.pluginmanager.has_plugin("ewallet"):
        config.pluginmanager.import_plugin("ewallet.testing.plugin")
