"""``python -m ewallet.catalog [FOLDER]``: check every file, and list them; what ``make catalogue`` runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ewallet.catalog import Catalog, kindcheck


def main(arguments: Sequence[str] = ()) -> int:
    """Check every file of a folder (the bundled one by default) and print what there is; 1 where something is wrong."""
    catalog = Catalog.load(arguments[0]) if arguments else Catalog.bundled()
    problems = [str(problem) for problem in catalog.problems]
    problems += [f"{kindcheck.place(kind)}: {finding}" for kind in catalog for finding in kindcheck.findings(kind)]
    problems += kindcheck.folder_findings(catalog.folder)
    print(kindcheck.table(tuple(catalog)))
    print(f"\n{kindcheck.bundle_table(tuple(catalog.bundles()))}")
    print(f"\n{kindcheck.rule_table(tuple(catalog.rules()))}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
