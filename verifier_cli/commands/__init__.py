"""The verbs of ``ewallet-verify``, one module each, with ``add(parser)`` and ``run(session) -> int``."""
