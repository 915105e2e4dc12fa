"""What a hostile mdoc may do with its bytes beyond the rows of the matrix: keys that collide or pass for others."""

from __future__ import annotations

from itertools import islice
from typing import Any

import cbor2
import pytest
from cbor2 import CBORTag

from ewallet import shape
from ewallet.errors import Malformed
from ewallet.shape import embed, to_base64url
from ewallet.testing.mdoc import item, response

_WORD = 1 << 64


def _colliding_pairs():
    """Arrays of two numbers that have the same hash as keys of a dict: the second undoes what the first did to it."""
    first, second, start = 11_400_714_785_074_694_791, 14_029_467_366_897_019_727, 2_870_177_450_012_600_261
    number = 0
    while True:
        number += 1
        lane = (start + number * second) % _WORD
        lane = (lane << 31 | lane >> 33) % _WORD * first % _WORD
        other = (12_345 - lane) * pow(second, -1, _WORD) % _WORD
        if other < 1 << 60:
            yield [number, other]


def _map(keys):
    """A map of those keys to 0; more than can be had of a dict."""
    members = b"".join(cbor2.dumps(key) + b"\x00" for key in keys)
    return b"\xbf" + members + b"\xff"


@pytest.mark.parametrize("keys", [list(islice(_colliding_pairs(), 4_000)), range(1 << 40, (1 << 40) + 6_000)])
def test_keys_that_collide_are_not_compared_with_each_other(keys, world):
    """A map of more members than anything has is refused unread, outside and inside, whoever signed it."""
    raw, stage = _map(keys), world.stage

    assert "limit.count" == world.judge(to_base64url(raw))
    assert "limit.count" == world.judge(stage.sign(embed(raw)).show())
    assert "limit.count" == world.judge(stage.sign(stage.auth[2], header=raw).show())
    assert "limit.count" == world.judge(stage.disclosing({0: raw}))
    assert "limit.count" == world.judge(stage.show(stated=raw))


@pytest.mark.parametrize("opening", [b"\x9f", b"\x98\xff", b"\x99\xff\xff", b"\x9a\x00\xff\xff\xff"])
def test_items_are_counted_in_every_form_of_an_array(opening):
    """As many as are read, and one more; the array is one itself."""
    most = b"\x00" * 9
    assert "malformed.cbor" == _refused(opening + most, items=10)
    assert "limit.count" == _refused(opening + most + b"\x00", items=10)


def test_bytes_of_a_text_are_no_items():
    """A long text is one, and so is a byte string, a number or a float of any width; parts are one each."""
    values = ["a" * 20, "a" * 300, bytes(70_000), 1 << 40, 5, 1.5, None, CBORTag(24, bytes(300))]
    raw = cbor2.dumps(values)

    assert values[:7] == shape.cbor(raw, items=10)[:7]
    assert "limit.count" == _refused(raw, items=9)
    assert "limit.count" == _refused(b"\x7f" + b"\x61a" * 20 + b"\xff", items=20)
    assert "a" * 20 == shape.cbor(b"\x7f" + b"\x61a" * 20 + b"\xff", items=22)


def _refused(raw, **limits: Any):
    with pytest.raises(Malformed) as refused:
        shape.cbor(raw, **limits)
    return refused.value.code


@pytest.mark.parametrize("doc_type", [[], {}, None, 5, [["org.example"]]], ids=repr)
def test_error_beside_a_document_without_a_name(doc_type, world):
    """What cannot be looked for among the errors is no name of a type."""
    document = {**world.stage.document, "docType": doc_type}
    assert "malformed.mdoc" == world.judge(response(document, documentErrors=[{"org.example.other": 0}]))


@pytest.mark.parametrize("label", [True, 1.0], ids=repr)
def test_label_that_equals_a_number_is_none(label, world):
    """True and 1.0 are found where 1 is looked for: in a header of either kind, and in the device's key."""
    stage = world.stage
    key = {label if name == 1 else name: value for name, value in stage.mso["deviceKeyInfo"]["deviceKey"].items()}

    assert "malformed.cose" == world.judge(stage.forge(stage.mso, header={label: -7}))
    assert "malformed.cose" == world.judge(stage.forge(stage.mso, unprotected={33.0: stage.auth[1][33]}))
    assert "malformed.cose" == world.judge(stage.forge({**stage.mso, "deviceKeyInfo": {"deviceKey": key}}))


@pytest.mark.parametrize("kty", [2.0, "EC2", True], ids=repr)
def test_kind_of_key_that_equals_a_number_is_none(kty, world):
    """2.0 is not 2."""
    key = {**world.stage.mso["deviceKeyInfo"]["deviceKey"], 1: kty}
    forged = world.stage.forge({**world.stage.mso, "deviceKeyInfo": {"deviceKey": key}})
    assert "crypto.key_invalid" == world.judge(forged)


def test_item_of_an_honest_size_is_read(world):
    """A picture as large as a presentation may be is one item."""
    picture = item(0, "name", bytes(200_000))
    assert world.judge(world.stage.disclosing({0: picture})) in {"dcql.extra_claims", "dcql.unsatisfied"}
