"""The checker of what services say of themselves finds histories that must not be, and no others (I8, I11, I12)."""

from __future__ import annotations

import pytest

from ewallet.testing.watch import Look, Span, Start, Weight, contradictions

AWAY, OF_TWO = (Span(10, 20),), (Start(1, 5), Start(1, 15))
MB = 1 << 20


def _looks(*told, port=1):
    """A question a second, answered a tenth of a second later: yes, no, or not at all."""
    return [Look(port, at, at + 0.1, {"yes": True, "no": False, "-": None}[said]) for at, said in told]


HISTORIES = {
    "ready all the time": (_looks((1, "yes"), (2, "yes")), {}, ""),
    "not ready while the database is away": (_looks((11, "no"), (21, "yes")), {"away": AWAY}, ""),
    "ready while the database is away": (_looks((11, "yes"), (21, "yes")), {"away": AWAY}, "(I8)"),
    "ready in the moment in which it goes": (_looks((9.95, "yes"), (21, "yes")), {"away": AWAY}, ""),
    "never ready again when it is back": (_looks((11, "no"), (21, "no")), {"away": AWAY}, "came back (I12)"),
    "ready again after a kill": (_looks((1, "yes"), (5, "-"), (6, "yes")), {"starts": (Start(1, 5),)}, ""),
    "never answers again": (_looks((1, "yes"), (6, "-")), {"starts": (Start(1, 5),)}, "gave no answer"),
    "answers before it is ready": (_looks((6, "no"), (7, "yes")), {"starts": (Start(1, 5),)}, "first answer"),
    "not back between two kills": (_looks((6, "-"), (16, "yes")), {"starts": OF_TWO}, "gave no answer"),
    "back between two kills": (_looks((6, "yes"), (16, "yes")), {"starts": OF_TWO}, ""),
    "only its neighbour is back": (_looks((6, "-")) + _looks((6, "yes"), port=2), {"starts": OF_TWO[:1]}, "1 gave no"),
    "started without a database": (
        _looks((11, "no"), (21, "yes")),
        {"away": AWAY, "starts": (Start(1, 10.5),)},
        "",
    ),
}


@pytest.mark.parametrize(("looks", "disturbed", "wanted"), HISTORIES.values(), ids=HISTORIES)
def test_a_history_that_must_not_be_is_found(looks, disturbed, wanted):
    """By the words that say what is wrong; a good one by none."""
    found = " ".join(contradictions(looks, **disturbed))

    assert bool(wanted) == bool(found)
    assert wanted in found


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (Weight(164 * MB, 25), 0),
        (Weight(165 * MB, 20), 1),
        (Weight(90 * MB, 15), 0),
        (Weight(100 * MB, 26), 1),
        (Weight(100 * MB, 14), 1),
        (Weight(200 * MB, 90), 2),
    ],
)
def test_what_was_not_given_back_is_found(after, wanted):
    """More than 64 MiB, and more than five files either way."""
    assert wanted == len(after.since(Weight(100 * MB, 20)))
