"""The fixtures of :mod:`ewallet.testing.plugin`, also where the package is not installed, and a PostgreSQL."""

from __future__ import annotations

import sys

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load the plugin, unless its entry point has, and look for resident numbers in what the run writes."""
    if not config.pluginmanager.has_plugin("ewallet"):
        config.pluginmanager.import_plugin("ewallet.testing.plugin")
    config.pluginmanager.import_plugin("ewallet.testing.leaks")


def pytest_runtest_teardown() -> None:
    """Let services go: FastAPI remembers the functions of 4096 routes, and with each the whole service it is of.

    Each holds two hundred kinds; a run that keeps a hundred of them stands still for seconds when it looks for garbage.
    """
    module = sys.modules.get("fastapi.dependencies.models")
    for remembered in vars(module).values() if module else ():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL, started once; who asks for it skips where there is none."""
    from ewallet.testing.postgres import PostgresAbsentError, PostgresServer

    try:
        server = PostgresServer()
    except PostgresAbsentError as exc:
        pytest.skip(str(exc))
    yield server
    server.close()
