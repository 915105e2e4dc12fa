"""A whole log is read, and the first place that was changed is named (MYD-08); its tiles are a mirror of it."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from itertools import islice

import pytest

from ewallet.errors import EWalletError
from ewallet.history import Note, check_history, export, tiles
from ewallet.history.tiles import Tile, check_mirror, publish
from ewallet.history.tree import grown, leaf_hash
from ewallet.testing.clock import Clock
from ewallet.testing.history import ORIGIN, Register

SIZE = 23
REGISTER = Register().fill(SIZE, checkpoint_each=5)  # after 5, 10, 15, 20, and at the end


def _export(register=REGISTER):
    file = BytesIO()
    export(register.log, file)
    return file.getvalue().splitlines(keepends=True)


LINES = _export()


def _audit(lines, register=REGISTER, **options):
    return check_history(BytesIO(b"".join(lines)), register.believed, **options)


def _place(seq):
    return next(number for number, line in enumerate(LINES) if f'"seq":{seq},'.encode() in line)


def _changed(seq, change, *, with_hash=False):
    """The lines with one entry changed, and if so with the hash that it has now."""
    lines, place = list(LINES), _place(seq)
    members = json.loads(lines[place])
    members["entry"] |= change
    if with_hash:
        raw = json.dumps(members["entry"], sort_keys=True, separators=(",", ":")).encode()
        members["leaf"] = b64encode(leaf_hash(raw)).decode()
    lines[place] = json.dumps(members).encode() + b"\n"
    return lines


def _without(*places):
    return [line for number, line in enumerate(LINES) if number not in places]


def _swapped(one, other):
    lines = list(LINES)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def _found(audit):
    assert audit.finding
    return audit.finding.code, audit.finding.position, audit.finding.until


def test_a_log_that_nobody_touched_holds():
    """To its end, which is a checkpoint made for the export."""
    told: list[int] = []
    audit = _audit(LINES, progress=told.append)

    assert audit.holds
    assert (SIZE, 5, SIZE, None) == (audit.entries, audit.checkpoints, audit.head.size, audit.backwards)
    assert sum(map(len, LINES)) == told[-1]
    assert sorted(told) == told


def test_an_empty_log_holds():
    """It has a checkpoint, too."""
    register = Register()

    assert (0, 1) == (_audit(_export(register), register).entries, _audit(_export(register), register).checkpoints)
    assert _audit(_export(register), register).holds


LAST = len(LINES) - 1
EDITED = {
    "edited": (_changed(7, {"outcome": "refused"}), ("log.tampered", 7, None)),
    "first edited": (_changed(0, {"outcome": "refused"}), ("log.tampered", 0, None)),
    "dated back": (_changed(22, {"time": "2020-01-01T00:00:00Z"}), ("log.tampered", 22, None)),
    "edited with its hash": (_changed(7, {"outcome": "refused"}, with_hash=True), ("log.tampered", 5, 9)),
    "gone": (_without(_place(12)), ("log.tampered", 12, None)),
    "first gone": (_without(_place(0)), ("log.tampered", 0, None)),
    "last gone": (_without(_place(22)), ("log.tampered", 22, None)),
    "put in twice": ([*LINES[: _place(3)], *LINES[_place(2) :]], ("log.tampered", 3, None)),
    "swapped": (_swapped(_place(16), _place(17)), ("log.tampered", 16, None)),
    "swapped and renumbered": (
        [*LINES[: _place(16)], LINES[_place(17)].replace(b'"seq":17', b'"seq":16'), *LINES[_place(17) :]],
        ("log.tampered", 16, None),
    ),
    "cut off": (LINES[: _place(18)], ("log.tampered", 15, None)),
    "cut in a line": ([*LINES[: _place(18)], LINES[_place(18)][:-9]], ("malformed.json", 18, None)),
    "without checkpoints": ([line for line in LINES if b"checkpoint" not in line], ("log.tampered", 0, None)),
    "without the last": (LINES[:-1], ("log.tampered", 20, None)),
    "checkpoint moved": (_swapped(_place(4) + 1, _place(5)), ("log.tampered", 5, None)),
    "checkpoint twice": ([*LINES, LINES[-1]], ("log.tampered", SIZE, None)),
    "a name put in": (_changed(7, {"name": "nobody"}), ("malformed.claim_type", 7, None)),
    "another log": ([LINES[0].replace(b"issuer", b"another"), *LINES[1:]], ("malformed.claim_type", 0, None)),
    "no first line": (LINES[1:], ("malformed.claim_type", 0, None)),
    "nothing": ([], ("malformed.claim_type", 0, None)),
    "a line of ten megabytes": ([*LINES[:3], b"x" * (10 << 20) + b"\n"], ("limit.size", 2, None)),
    "a line of depth": ([*LINES[:3], b"[" * 1000 + b"\n"], ("limit.depth", 2, None)),
    "rubbish": ([*LINES[:3], b"\xff\xfe\n"], ("malformed.json", 2, None)),
}


@pytest.mark.parametrize(("lines", "found"), EDITED.values(), ids=EDITED)
def test_the_first_bad_place_is_named(lines, found):
    """Exactly where one line is changed; between two checkpoints where its hash was changed along."""
    assert found == _found(_audit(lines))


@pytest.mark.sweep
@pytest.mark.parametrize("seq", range(SIZE))
def test_every_changed_entry_is_found(seq):
    """With its hash left, with its hash changed, and with a mirror; each entry, first to last."""
    change = {"commitment": "A" * 43}
    hidden = _audit(_changed(seq, change, with_hash=True))
    mirrored = _audit(_changed(seq, change, with_hash=True), mirror=_leaves())

    assert ("log.tampered", seq, None) == _found(_audit(_changed(seq, change)))
    assert hidden.finding.position <= seq <= (hidden.finding.until or seq)
    assert ("log.tampered", seq, None) == _found(mirrored)
    assert ("log.tampered", seq, None) == _found(_audit(_without(_place(seq))))


def _leaves(register=REGISTER):
    return [register.store.hashes[0, seq] for seq in range(register.store.edge().size)]


def test_a_mirror_may_be_behind():
    """What it has agrees; the rest is for the checkpoints."""
    assert _audit(LINES, mirror=islice(_leaves(), 9)).holds


def test_a_signature_that_is_none_is_named_with_its_place():
    """The checkpoint after the tenth entry."""
    note = Note.read(REGISTER.store.checkpoints()[1])
    forged = Note(note.text, tuple(type(line)(line.name, line.id, line.raw[::-1]) for line in note.signatures))
    lines = list(LINES)
    lines[_place(9) + 1] = json.dumps({"checkpoint": str(forged)}).encode() + b"\n"

    assert ("crypto.signature_invalid", 10, None) == _found(_audit(lines))


# -- an operator that has the key --------------------------------------------------------------------------


def _rewritten(count=SIZE):
    """Another history that the log's own key signed."""
    return Register("rewritten", key=REGISTER.key).fill(count, checkpoint_each=5)


def test_a_rewritten_history_departs_from_what_others_hold():
    """By itself it holds; it does not beside one checkpoint that somebody was given before."""
    other = _rewritten()
    seen = REGISTER.store.checkpoints()[2]

    assert _audit(_export(other)).holds
    assert ("log.forked", 10, 14) == _found(_audit(_export(other), seen=[seen]))
    assert ("log.tampered", 0, None) == _found(_audit(_export(other), mirror=_leaves()))


def test_a_history_that_forgot_its_end_is_older_than_what_others_hold():
    """Cut at a checkpoint it holds by itself."""
    cut = LINES[: _place(14) + 2]

    assert _audit(cut).holds
    assert ("log.rollback", 15, None) == _found(_audit(cut, seen=[REGISTER.store.checkpoints()[-1]]))
    assert ("log.rollback", 15, None) == _found(_audit(cut, mirror=_leaves()))


def test_a_whole_log_needs_the_witnesses_that_are_asked_for():
    """Their word reaches as far as the newest checkpoint that they cosigned."""
    register = Register("witnessed").fill(4)
    early = register.log.checkpoint()
    at = register.clock.now()
    register.log.add_signatures(early, [register.witness.signed(Note.read(early).text, register.witness_key, at)])
    wanted = replace(register.believed, quorum=1)
    unseen = replace(register.believed, witnesses=(Register("other").witness,), quorum=1)
    whole = b"".join(_export(register))
    grown_on = b"".join(_export(register.fill(3)))

    assert check_history(BytesIO(whole), wanted).holds
    assert ("log.unwitnessed", 4, None) == _found(check_history(BytesIO(grown_on), wanted))
    assert ("log.unwitnessed", 0, None) == _found(check_history(BytesIO(whole), unseen))
    assert _audit(LINES, seen=REGISTER.store.checkpoints()).holds


def test_two_checkpoints_of_one_size_are_two_histories():
    """Whether both are in the file, or both were seen."""
    other = _rewritten().log.checkpoint()
    own = REGISTER.log.checkpoint()
    lines = [*LINES, json.dumps({"checkpoint": other.decode()}).encode() + b"\n"]

    assert ("log.forked", SIZE, None) == _found(_audit(lines))
    assert ("log.forked", 0, None) == _found(_audit(LINES, seen=[own, other]))


def test_a_checkpoint_of_a_stranger_is_not_evidence():
    """It is refused before anything is compared with it."""
    stranger = Register("stranger").fill(3).log.checkpoint()
    with pytest.raises(EWalletError) as caught:
        _audit(LINES, seen=[stranger])

    assert "crypto.signature_invalid" == caught.value.code


def test_a_clock_that_was_set_back_is_told():
    """It is for people to judge: entries are in the order in which they were written."""
    register = Register("clock", clock=Clock()).fill(4)
    register.clock.advance(timedelta(seconds=-60))
    register.fill(1)
    register.clock.advance(timedelta(seconds=-1))
    audit = _audit(_export(register.fill(2)), register)

    assert audit.holds
    assert 5 == audit.backwards


# -- tiles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(1, 1234067, 256), "tile/1/x001/x234/067"),
        (Tile(2, 1000, 1), "tile/2/x001/000.p/1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "tile",
)
def test_tiles_are_where_the_specification_has_them(tile, path):
    """Its own examples among them."""
    assert path == tile.path


def test_a_tree_of_70000_has_the_tiles_of_the_specification():
    """273 full ones and one of 112, one full one and one of 17, one of 1."""
    found = [(tile.level, tile.width) for tile in tiles.tiles(70_000)]

    assert [(0, 256)] * 273 + [(0, 112), (1, 256), (1, 17), (2, 1)] == found
    assert [(0, 256), (1, 1)] == [(tile.level, tile.width) for tile in tiles.tiles(256)]
    assert [] == list(tiles.tiles(0))
    assert [Tile(0, 273, 113)] == [tile for tile in tiles.tiles(70_001, since=70_000) if tile.level == 0]


def test_what_is_published_is_the_tree(tmp_path):
    """Grown in steps, each step writes what is new; partial tiles go when the full one is there."""
    register = Register("tiles")
    for count in (3, 250, 3, 0, 300):
        publish(register.fill(count).log, tmp_path, register.log.checkpoint())
        assert register.store.edge().size == check_mirror(tmp_path, register.believed).head.size
        assert _leaves(register) == list(tiles.leaves(tmp_path, register.store.edge().size))

    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert ["checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/44", "tile/1/000.p/1", "tile/1/000.p/2"] == files
    assert grown(_leaves(register)).root == check_mirror(tmp_path, register.believed).head.root


def test_entries_are_not_published(tmp_path):
    """Hashes only: no entry, nor any handle in it."""
    publish(REGISTER.log, tmp_path, REGISTER.log.checkpoint())
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    handles = {
        json.loads(raw)[name].encode() for raw in REGISTER.store.raws for name in ("subject", "object", "consent")
    }

    assert not any(handle in written for handle in handles)
    assert len(written) == 32 * SIZE + len(REGISTER.log.checkpoint())


def test_what_is_published_does_not_shrink(tmp_path):
    """Nor is a smaller checkpoint put in the place of a larger one."""
    publish(REGISTER.log, tmp_path, REGISTER.log.checkpoint())
    with pytest.raises(EWalletError) as caught:
        publish(REGISTER.log, tmp_path, REGISTER.store.checkpoints()[0])

    assert "log.rollback" == caught.value.code
    assert SIZE == check_mirror(tmp_path, REGISTER.believed).head.size


@pytest.mark.parametrize("more", [0, 6])
def test_another_history_is_not_published_over_what_was(more, tmp_path):
    """Of the same size or of a larger one: the mirror is what shows that there are two."""
    publish(REGISTER.log, tmp_path, REGISTER.log.checkpoint())
    other = _rewritten(SIZE + more).log
    with pytest.raises(EWalletError) as caught:
        publish(other, tmp_path, other.checkpoint())

    assert "log.forked" == caught.value.code
    assert _leaves() == list(tiles.leaves(tmp_path, SIZE))
    assert SIZE == check_mirror(tmp_path, REGISTER.believed).head.size


DAMAGE = {
    "hash": lambda path: path.write_bytes(b"\0" + path.read_bytes()[1:]),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "checkpoint"])
def test_a_damaged_mirror_is_none(name, damage, tmp_path):
    """Whichever file it is, and whatever happened to it."""
    register = Register("mirror").fill(300)
    publish(register.log, tmp_path, register.log.checkpoint())
    damage(tmp_path / name)

    with pytest.raises(EWalletError) as caught:
        check_mirror(tmp_path, register.believed)
    assert caught.value.code in ("log.tampered", "malformed.encoding")
    assert ORIGIN == register.believed.origin
