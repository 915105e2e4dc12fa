"""The verbs of ``ewallet-verify``, one module each, with ``HELP``, ``add(parser)`` and ``run(session) -> int``."""
