"""The examples of RFC 8949 Appendix A: decoded right, or refused by a rule of ours."""

from __future__ import annotations

import json
import math

import cbor2
import pytest

from ewallet.errors import Malformed
from ewallet.shape import cbor

#: Refused: tags other than 0, 24 and 1004 (bignums among them), and a simple value written in two bytes too many.
_REFUSED = {
    "c249010000000000000000",
    "c349010000000000000000",
    "f818",
    "c11a514b67b0",
    "c1fb41d452d9ec200000",
    "d74401020304",
    "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
}

#: What the table writes in diagnostic notation.
_DIAGNOSTIC = {
    "Infinity": math.inf,
    "-Infinity": -math.inf,
    "undefined": cbor2.undefined,
    "simple(16)": cbor2.CBORSimpleValue(16),
    "simple(255)": cbor2.CBORSimpleValue(255),
    '0("2013-03-21T20:04:00Z")': cbor2.CBORTag(0, "2013-03-21T20:04:00Z"),
    "24(h'6449455446')": cbor2.CBORTag(24, b"dIETF"),
    "h''": b"",
    "h'01020304'": b"\x01\x02\x03\x04",
    "{1: 2, 3: 4}": {1: 2, 3: 4},
    "(_ h'0102', h'030405')": b"\x01\x02\x03\x04\x05",
}


@pytest.mark.vectors("security/vectors/cbor/appendix_a.json", count=1)
def test_example_is_decoded_right_or_refused_by_rule(vector):
    """Each of the 82 rows."""
    for row in json.loads(vector.read_bytes()):
        raw = bytes.fromhex(row["hex"])
        if row["hex"] in _REFUSED:
            with pytest.raises(Malformed) as refused:
                cbor(raw)
            assert refused.value.code == "malformed.cbor"
        elif row.get("diagnostic") == "NaN":
            assert math.isnan(cbor(raw))
        else:
            expected = row["decoded"] if "decoded" in row else _DIAGNOSTIC[row["diagnostic"]]
            assert (row["hex"], expected) == (row["hex"], cbor(raw))
