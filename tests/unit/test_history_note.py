"""Signed notes and checkpoints: what is read, what is refused, whose signatures count."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet.errors import EWalletError, Malformed, UsageError
from ewallet.history import Believed, Checkpoint, Head, Note, NoteKey, key_of, tree
from ewallet.history.checkpoint import CHECKPOINTS, COSIGNATURES
from ewallet.history.note import is_key_name
from ewallet.history.tree import EMPTY, MAX_SIZE, leaf_hash
from ewallet.keys import SigningKey
from ewallet.shape import MAX_NOTE
from ewallet.testing.clock import START
from ewallet.testing.history import ORIGIN, WITNESS, Register
from ewallet.testing.pki import Profile, issue_certificate, private_key
from ewallet.trust import KEY_USAGE, TrustAnchor, TrustList

# The key and the note that the documentation of Go's sumdb/note begins with.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PROBLEM = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
REGISTER = Register().fill(5)
NOTE = REGISTER.log.checkpoint()


def _code(call, *args):
    with pytest.raises(EWalletError) as caught:
        call(*args)
    return caught.value.code


def test_a_note_of_others_verifies():
    """Key, identifier and signature are as Go's sumdb makes them; and it comes back as it was."""
    key, note = NoteKey.read(NEUMANN), Note.read(PROBLEM.encode())
    line = note.of(key)
    assert line
    key.check(note.text, line)

    assert NEUMANN == str(key)
    assert PROBLEM.encode() == note.to_bytes()
    assert "crypto.signature_invalid" == _code(key.check, note.text.replace("is.", "was."), line)


def test_a_checkpoint_comes_back_from_its_signature():
    """With its three lines and nothing else in what is signed."""
    read = Checkpoint.read(NOTE, REGISTER.believed)

    assert Head(ORIGIN, 5, REGISTER.store.edge().root) == read.head
    assert NOTE == read.to_bytes()
    assert NOTE.decode().startswith(f"{ORIGIN}\n5\n")
    assert () == read.cosigned


CHANGES = {
    "crlf": (lambda raw: raw.replace(b"\n", b"\r\n"), "malformed.encoding"),
    "no blank line": (lambda raw: raw.replace(b"\n\n", b"\n"), "malformed.encoding"),
    "cut": (lambda raw: raw[:-1], "malformed.encoding"),
    "line more": (lambda raw: raw + b"\n", "malformed.encoding"),
    "blank line more": (lambda raw: raw + b"\n\n", "malformed.encoding"),
    "size with zero": (lambda raw: raw.replace(b"\n5\n", b"\n05\n"), "malformed.encoding"),
    "size with plus": (lambda raw: raw.replace(b"\n5\n", b"\n+5\n"), "malformed.encoding"),
    "size with minus": (lambda raw: raw.replace(b"\n5\n", b"\n-5\n"), "malformed.encoding"),
    "size in wide digits": (lambda raw: raw.replace(b"\n5\n", "\n\uff15\n".encode()), "malformed.encoding"),
    "size beyond": (lambda raw: raw.replace(b"\n5\n", b"\n9223372036854775808\n"), "malformed.encoding"),
    "size of 5000 digits": (lambda raw: raw.replace(b"\n5\n", b"\n" + b"9" * 5000 + b"\n"), "malformed.encoding"),
    "empty with a root": (lambda raw: raw.replace(b"\n5\n", b"\n0\n"), "malformed.encoding"),
    "extension": (lambda raw: raw.replace(b"=\n\n", b"=\nextension\n\n"), "malformed.encoding"),
    "root unpadded": (lambda raw: raw.replace(b"=\n\n", b"\n\n"), "malformed.encoding"),
    "root overpadded": (lambda raw: raw.replace(b"=\n\n", b"==\n\n"), "malformed.encoding"),
    "hyphen": (lambda raw: raw.replace("— ".encode(), b"- "), "malformed.encoding"),
    "two spaces": (lambda raw: raw.replace("— ".encode(), "—  ".encode()), "malformed.encoding"),
    "signed twice": (lambda raw: raw + raw[raw.index("—".encode()) :], "malformed.encoding"),
    "signature of no bytes": (lambda raw: raw + "— other AAAAAA==\n".encode(), "malformed.encoding"),
    "control character": (lambda raw: raw.replace(b"go.kr", b"go\x00kr"), "malformed.encoding"),
    "not utf-8": (lambda raw: raw.replace(b"go.kr", b"go\xffkr"), "malformed.encoding"),
    "only blank": (lambda _: b"\n\n", "malformed.encoding"),
    "nothing": (lambda _: b"", "malformed.encoding"),
    "other size": (lambda raw: raw.replace(b"\n5\n", b"\n4\n"), "crypto.signature_invalid"),
    "ten megabytes": (lambda raw: raw + b"x" * (10 << 20), "limit.size"),
    "many signatures": (lambda raw: raw + "".join(f"— k{n} AAAAAAAA\n" for n in range(64)).encode(), "limit.count"),
    "other origin": (lambda raw: raw.replace(b"issuer.", b"another."), "trust.no_path"),
}


@pytest.mark.parametrize(("change", "code"), CHANGES.values(), ids=CHANGES)
def test_anything_else_is_no_checkpoint(change, code):
    """Other line ends, numbers, base64, more or fewer lines, a key that signs twice, too much of anything."""
    changed = change(NOTE)
    assert changed != NOTE

    assert code == _code(Checkpoint.read, changed, REGISTER.believed)


def test_base64_that_leaves_bits_over_is_refused():
    """Else one note could be written in several ways."""
    text, _, line = NOTE.decode().rpartition(" ")
    last = line.rstrip("=\n")[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(last) ^ 1]
    padded = line[: len(line.rstrip("=\n")) - 1] + other + line[len(line.rstrip("=\n")) :]

    assert "malformed.encoding" == _code(Checkpoint.read, f"{text} {padded}".encode(), REGISTER.believed)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw):
    """By our own error, and what was read is written the same again."""
    try:
        note = Note.read(raw)
    except Malformed:
        return
    assert raw == note.to_bytes()


@given(st.integers(0, len(NOTE) - 1), st.integers(0, 7))
def test_a_changed_bit_is_noticed(at, bit):
    """Wherever it is: in the head, in the name, in the signature."""
    changed = bytearray(NOTE)
    changed[at] ^= 1 << bit

    code = _code(Checkpoint.read, bytes(changed), REGISTER.believed)
    assert code in {"malformed.encoding", "trust.no_path", "crypto.signature_invalid"}


def test_lines_of_keys_that_nobody_named_are_left_aside():
    """As many as are read, before or after the log's own."""
    own = Note.read(NOTE)
    stranger = key_of("stranger.example", SigningKey.generate("EdDSA").public)
    line = stranger.signed(own.text, SigningKey.generate("EdDSA"))

    assert 5 == Checkpoint.read(own.with_signatures([line]).to_bytes(), REGISTER.believed).head.size
    assert 5 == Checkpoint.read(Note(own.text, (line, *own.signatures)).to_bytes(), REGISTER.believed).head.size
    assert "crypto.signature_invalid" == _code(Checkpoint.read, Note(own.text, (line,)).to_bytes(), REGISTER.believed)


# -- witnesses ---------------------------------------------------------------------------------------------


def _cosigned(at=START, key=REGISTER.witness_key):
    note = Note.read(NOTE)
    return note.with_signatures([REGISTER.witness.signed(note.text, key, at)]).to_bytes()


def test_a_cosignature_says_who_saw_it_and_when():
    """To the second."""
    read = Checkpoint.read(_cosigned(START + timedelta(microseconds=7)), REGISTER.believed)

    assert [(WITNESS, START)] == [(cosigned.name, cosigned.at) for cosigned in read.cosigned]


def test_a_quorum_of_witnesses_is_asked_for():
    """A log's word alone is not enough then."""
    believed = Believed(log=REGISTER.believed.log, witnesses=(REGISTER.witness,), quorum=1)

    assert "log.unwitnessed" == _code(Checkpoint.read, NOTE, believed)
    assert 5 == Checkpoint.read(_cosigned(), believed).head.size
    assert 5 == Checkpoint.read(NOTE, believed.alone).head.size


def test_what_a_witness_is_said_to_have_cosigned_it_must_have():
    """A line in its name that it did not sign spoils the whole note."""
    other = SigningKey.generate("EdDSA")
    moved = _cosigned()
    line = Note.read(moved).of(REGISTER.witness)
    assert line
    later = (int(START.timestamp()) + 1).to_bytes(8, "big") + line.raw[8:]
    changed = Note.read(NOTE).with_signatures([type(line)(line.name, line.id, later)])

    assert "crypto.signature_invalid" == _code(Checkpoint.read, _cosigned(key=other), REGISTER.believed)
    assert "crypto.signature_invalid" == _code(Checkpoint.read, changed.to_bytes(), REGISTER.believed)


def test_a_cosignature_is_no_signature_of_the_log():
    """The same key signs another text for each of the two, under another identifier."""
    note = Note.read(NOTE)
    as_witness = key_of(ORIGIN, REGISTER.key.public, witness=True)
    line = as_witness.signed(note.text, REGISTER.key, START)
    bent = type(line)(ORIGIN, REGISTER.believed.log[0].id, line.raw)

    assert "crypto.signature_invalid" == _code(Checkpoint.read, Note(note.text, (line,)).to_bytes(), REGISTER.believed)
    assert "crypto.signature_invalid" == _code(Checkpoint.read, Note(note.text, (bent,)).to_bytes(), REGISTER.believed)


MISTAKES = {
    "nothing": lambda _log, _witness: Believed(log=()),
    "two logs": lambda log, witness: Believed(log=(log, witness)),
    "a witness": lambda _log, witness: Believed(log=(witness,)),
    "a log as witness": lambda log, _witness: Believed(log=(log,), witnesses=(log,)),
    "too many": lambda log, witness: Believed(log=(log,), witnesses=(witness,), quorum=2),
    "one twice": lambda log, witness: Believed(log=(log,), witnesses=(witness, witness)),
    "witnesses itself": lambda log, _witness: Believed(log=(log,), witnesses=(key_of("w", log.public, witness=True),)),
    "space": lambda log, _witness: key_of("a b", log.public),
    "p256": lambda _log, _witness: key_of("a", SigningKey.generate("ES256").public),
    "no time": lambda _log, witness: witness.signed("text\n", REGISTER.witness_key),
}


@pytest.mark.parametrize("make", MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_believed_is_a_mistake_of_ours(make):
    """No log, two logs in one, a log that witnesses itself, more witnesses than there are, another kind of key."""
    with pytest.raises(UsageError) as caught:
        make(REGISTER.believed.log[0], REGISTER.witness)
    assert "usage.argument" == caught.value.code


@pytest.mark.parametrize("text", ["", "a", "a+00000000+AAAA", NEUMANN[:-1], NEUMANN.replace("c7", "c8"), f"{NEUMANN}+"])
def test_a_key_that_is_none_is_refused(text):
    """Another identifier than that of the key included."""
    assert "malformed.encoding" == _code(NoteKey.read, text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u200bb", "a\nb", "x" * 256])
def test_key_names_have_nothing_that_cannot_be_seen(name):
    """Nor what ends a name."""
    assert not is_key_name(name)


# -- one after the other -----------------------------------------------------------------------------------


def test_a_checkpoint_holds_its_log_to_it():
    """A smaller one is older, one of the same size with another root is another history, so is one without proof."""
    log, fork = Register().fill(9), Register("fork").fill(9)
    nine = Head(ORIGIN, 9, log.store.edge().root)
    five = Head(ORIGIN, 5, tree.root(5, log.store.nodes))
    five.check_successor(nine, log.log.consistency(5, 9))
    nine.check_successor(nine, ())

    assert "log.rollback" == _code(nine.check_successor, five, ())
    assert "log.forked" == _code(five.check_successor, nine, ())
    assert "log.forked" == _code(nine.check_successor, Head(ORIGIN, 9, fork.store.edge().root), ())
    assert "log.forked" == _code(five.check_successor, Head("another", 9, nine.root), log.log.consistency(5, 9))
    assert "log.forked" == _code(
        five.check_successor, Head(ORIGIN, 9, fork.store.edge().root), fork.log.consistency(5, 9)
    )


def test_the_empty_log_has_a_checkpoint():
    """From which every other one goes on."""
    register = Register()
    head = Checkpoint.read(register.log.checkpoint(), register.believed).head

    assert Head(ORIGIN, 0, EMPTY) == head
    head.check_successor(Head(ORIGIN, MAX_SIZE, leaf_hash(b"")), ())


# -- whom the trust list names -----------------------------------------------------------------------------


def _listed(key, name, types, **changes):
    year = timedelta(days=365)
    profile = Profile(subject=name, since=START - year, until=START + year, usage=KEY_USAGE["log"])
    certificate = issue_certificate(profile, private_key(key).public_key(), by=key)
    named = {"id": name, "purpose": "log", "types": frozenset(types), "issuers": frozenset({name})}
    return TrustAnchor(certificate=certificate, **({"end_entity": True} | named | changes))


def _trust(*anchors):
    return TrustList(anchors=anchors, version=1, since=START, until=START + timedelta(days=30))


LOG_LISTED = _listed(REGISTER.key, ORIGIN, [CHECKPOINTS])
WITNESS_LISTED = _listed(REGISTER.witness_key, WITNESS, [COSIGNATURES])


def test_a_trust_list_names_logs_and_witnesses():
    """Each by its own certificate, for the one thing that its types say."""
    believed = Believed.of(_trust(LOG_LISTED, WITNESS_LISTED), ORIGIN, START, quorum=1)

    assert (REGISTER.believed.log, (REGISTER.witness,)) == (believed.log, believed.witnesses)
    assert 5 == Checkpoint.read(_cosigned(), believed).head.size


ANCHORS = {
    "witness": (WITNESS_LISTED, "trust.no_path"),
    "cosigns only": (_listed(REGISTER.key, ORIGIN, [COSIGNATURES]), "trust.no_path"),
    "other origin": (_listed(REGISTER.key, ORIGIN, [CHECKPOINTS], issuers=frozenset({"another"})), "trust.no_path"),
    "other purpose": (_listed(REGISTER.key, ORIGIN, [CHECKPOINTS], purpose="status"), "trust.no_path"),
    "authority": (_listed(REGISTER.key, ORIGIN, [CHECKPOINTS], end_entity=False), "trust.no_path"),
    "distrusted": (_listed(REGISTER.key, ORIGIN, [CHECKPOINTS], distrust_after=START), "trust.no_path"),
    "p256": (_listed(SigningKey.generate(), ORIGIN, [CHECKPOINTS]), "usage.argument"),
}


@pytest.mark.parametrize(("anchor", "code"), ANCHORS.values(), ids=ANCHORS)
def test_no_other_anchor_is_a_log(anchor, code):
    """Not that of a witness, of another origin or purpose, nor one that is no longer trusted or of another key."""
    assert code == _code(Believed.of, _trust(anchor), ORIGIN, START)


def test_size_limits_are_what_they_say():
    """A note of as many bytes as are read is read."""
    padding = "— k " + b64encode(b"\0" * 40_000).decode() + "\n"

    assert len(NOTE.decode() + padding) < MAX_NOTE
    assert 5 == Checkpoint.read(NOTE + padding.encode(), REGISTER.believed).head.size
