"""Every table of this folder, or those named: ``python benchmarks/run.py [--rounds N] [--plain] [ROW ...]``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TABLES = {
    1: "bench_sdjwt_verify",
    3: "bench_sdjwt_issue",
    5: "bench_sdjwt_present",
    6: "bench_cold_chain",
    7: "bench_processes",
    8: "bench_issuance",
    9: "bench_exchange",
    10: "bench_status",
    11: "bench_qr",
    13: "bench_commands",
    14: "bench_pages",
    15: "bench_scan",
    16: "bench_history",
    17: "bench_paper",
    18: "bench_catalogue",
    19: "bench_mydata",
    20: "bench_operation",
}
#: The tables of the same rows for mdocs.
MDOC = {2: "bench_mdoc_verify", 4: "bench_mdoc_issue", 5: "bench_mdoc_present", 6: "bench_mdoc_cold_chain"}
#: A second table of the same row, for whole batches.
BULK = {7: "bench_bulk"}
ROWS = sorted({*TABLES, *MDOC})


def main() -> int:
    """Print the tables; 1 if something that must hold does not."""
    options = _options()
    if options.plain:  # before anything imports them
        sys.modules.update({"orjson": None, "pybase64": None})  # type: ignore[dict-item]
    from work import World

    world = World()
    _print_heading(plain=options.plain)
    held = []
    for name in (each[row] for row in options.rows or ROWS for each in (TABLES, MDOC, BULK) if row in each):
        table = import_module(name)
        print(f"\n{table.TITLE}", flush=True)
        held.append(table.run(world, options.rounds))
    print("\nall that must hold holds" if all(held) else "\nsomething that must hold does not")
    return 0 if all(held) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the library, its limit and its peers.")
    parser.add_argument("rows", nargs="*", type=int, choices=[*ROWS, []], metavar="ROW", help="only these rows")
    parser.add_argument("--rounds", type=int, default=31, help="turns of each contender; the median counts")
    parser.add_argument("--plain", action="store_true", help="without the extra [fast]: orjson and pybase64 hidden")
    return parser.parse_args()


def _print_heading(*, plain: bool) -> None:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("cryptography", "orjson", "pybase64", "sd-jwt", "isomdoc", "openvc-core", "openid4vci", "qrcode"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} absent")
    print(f"python {sys.version.split()[0]}; {', '.join(found)}")
    print("without the extra [fast]" if plain else "with the extra [fast]", "- CPU time, median of rounds in turns")


if __name__ == "__main__":
    sys.exit(main())
