"""Roots and proofs of RFC 9162 §2.1, against the definitions of the RFC written down as they stand there."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet.history import tree
from ewallet.history.tree import EMPTY, MAX_SIZE, Edge, grown, leaf_hash, node_hash

SIZE = 130
LEAVES = [leaf_hash(str(number).encode()) for number in range(SIZE)]
OTHER = leaf_hash(b"another")

# The inputs of the reference tests of certificate-transparency (merkletree), and the root of each prefix of them.
INPUTS = [
    bytes.fromhex(text)
    for text in "|00|10|2021|3031|40414243|5051525354555657|606162636465666768696a6b6c6d6e6f".split("|")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _half(count):
    half = 1
    while half * 2 < count:
        half *= 2
    return half


@cache
def _mth(lo, hi):
    """MTH(D[lo:hi]) of §2.1.1."""
    if lo == hi:
        return sha256(b"").digest()
    if hi - lo == 1:
        return LEAVES[lo]
    middle = lo + _half(hi - lo)
    return sha256(b"\x01" + _mth(lo, middle) + _mth(middle, hi)).digest()


def _path(index, lo, hi):
    """PATH(index, D[lo:hi]) of §2.1.3.1."""
    if hi - lo == 1:
        return []
    half = _half(hi - lo)
    if index < half:
        return [*_path(index, lo, lo + half), _mth(lo + half, hi)]
    return [*_path(index - half, lo + half, hi), _mth(lo, lo + half)]


def _subproof(old, lo, hi, known):
    """SUBPROOF(old, D[lo:hi], known) of §2.1.4.1."""
    if old == hi - lo:
        return [] if known else [_mth(lo, hi)]
    half = _half(hi - lo)
    if old <= half:
        return [*_subproof(old, lo, lo + half, known), _mth(lo + half, hi)]
    return [*_subproof(old - half, lo + half, hi, False), _mth(lo, lo + half)]


@cache
def _all_nodes():
    edge, nodes = Edge(), {}
    for index, leaf in enumerate(LEAVES):
        nodes[0, index] = leaf
        edge, completed = edge.append(leaf)
        nodes.update(completed)
    return nodes


def _nodes(wanted):
    return {node: _all_nodes()[node] for node in wanted}


def test_roots_are_those_that_others_publish():
    """The inputs and roots that implementations of Certificate Transparency test themselves with."""
    assert ROOTS == [grown(map(leaf_hash, INPUTS[:size])).root.hex() for size in range(1, 9)]
    assert "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" == Edge().root.hex()


def test_every_root_is_that_of_the_definition():
    """From the right edge as from the nodes that are kept."""
    for size in range(SIZE + 1):
        assert _mth(0, size) == grown(LEAVES[:size]).root == tree.root(size, _nodes)


def test_an_append_completes_few_nodes_and_keeps_few():
    """One node for each entry on average, and as many peaks as the size has bits."""
    edge, completed = Edge(), 0
    for leaf in LEAVES:
        edge, added = edge.append(leaf)
        completed += len(added)
        assert edge.whole
        assert len(added) <= edge.size.bit_length()

    assert completed < SIZE


def test_every_inclusion_proof_is_that_of_the_definition_and_holds():
    """For each entry in a tree of each size."""
    for size in range(1, 70):
        for index in range(size):
            path = tree.inclusion_proof(index, size, _nodes)
            assert _path(index, 0, size) == list(path)
            assert tree.proves_inclusion(path, LEAVES[index], index, size=size, root=_mth(0, size))


def test_every_consistency_proof_is_that_of_the_definition_and_holds():
    """From each size to each larger one."""
    for size in range(1, 70):
        for old in range(1, size + 1):
            path = tree.consistency_proof(old, size, _nodes)
            assert _subproof(old, 0, size, True) == list(path)
            assert tree.proves_consistency(path, old=old, old_root=_mth(0, old), size=size, root=_mth(0, size))


SIZES = st.integers(1, SIZE)


@given(SIZES, st.data())
def test_a_changed_inclusion_proof_proves_nothing(size, data):
    """Another leaf, place, size of another shape, root or hash, one hash more or less: none leads to the root."""
    index = data.draw(st.integers(0, size - 1))
    leaf, root, path = LEAVES[index], _mth(0, size), tree.inclusion_proof(index, size, _nodes)
    place = data.draw(st.integers(0, SIZE).filter(lambda other: other != index))

    assert not tree.proves_inclusion(path, OTHER, index, size=size, root=root)
    assert not tree.proves_inclusion(path, leaf, place, size=size, root=root)
    assert not tree.proves_inclusion(path, leaf, index, size=size, root=OTHER)
    assert not tree.proves_inclusion((*path, OTHER), leaf, index, size=size, root=root)
    for at in range(len(path)):
        assert not tree.proves_inclusion(path[:at] + path[at + 1 :], leaf, index, size=size, root=root)
        assert not tree.proves_inclusion((*path[:at], OTHER, *path[at + 1 :]), leaf, index, size=size, root=root)


@given(SIZES, st.data())
def test_a_changed_consistency_proof_proves_nothing(size, data):
    """Another root on either side, another hash, one hash more or less."""
    old = data.draw(st.integers(1, size))
    before, after, path = _mth(0, old), _mth(0, size), tree.consistency_proof(old, size, _nodes)

    def holds(path, before=before, after=after):
        return tree.proves_consistency(path, old=old, old_root=before, size=size, root=after)

    assert not holds(path, before=OTHER)
    assert not holds(path, after=OTHER)
    assert not holds((*path, OTHER))
    for at in range(len(path)):
        assert not holds(path[:at] + path[at + 1 :])
        assert not holds((*path[:at], OTHER, *path[at + 1 :]))


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70), st.integers(), st.integers(), st.integers())
def test_any_proof_about_any_size_is_judged(path, index, old, size):
    """Sizes below nothing and beyond 2^63 included: the answer is no, and it comes at once."""
    assert not tree.proves_inclusion(path, OTHER, index, size=size, root=EMPTY)
    assert not tree.proves_consistency(path, old=old, old_root=OTHER, size=size, root=EMPTY)


def test_huge_trees_have_short_proofs():
    """A proof about the largest size there is has 63 hashes, and those are looked at."""
    path, found = [OTHER] * 63, LEAVES[0]
    for sibling in path:
        found = node_hash(found, sibling)

    assert tree.proves_inclusion(path, LEAVES[0], 0, size=MAX_SIZE, root=found)
    assert not tree.proves_inclusion(path, LEAVES[0], 0, size=MAX_SIZE + 1, root=found)


def test_a_node_is_no_leaf():
    """Shown as an entry, the two hashes below a node do not lead to the root (second preimage)."""
    inner, root = LEAVES[0] + LEAVES[1], _mth(0, 2)

    assert leaf_hash(inner) != root
    assert not tree.proves_inclusion((), leaf_hash(inner), 0, size=1, root=root)
    assert not tree.proves_inclusion((_mth(2, 4),), leaf_hash(b"\x01" + inner), 0, size=2, root=_mth(0, 4))


@pytest.mark.parametrize("cut", [1, 31, 33, 63])
def test_hashes_of_other_widths_are_not_hashes(cut):
    """Else two hashes could be divided at another place, and mean other subtrees."""
    left, right = _mth(0, 1), _mth(1, 2)
    joined = left + right

    assert not tree.proves_inclusion((joined[cut:],), joined[:cut], 0, size=2, root=_mth(0, 2))
    assert not tree.proves_consistency((joined[:cut], joined[cut:]), old=1, old_root=left, size=2, root=_mth(0, 2))


def test_everything_begins_with_nothing_and_with_itself():
    """Which needs no proof, and takes none."""
    root = _mth(0, 5)

    assert tree.proves_consistency((), old=0, old_root=EMPTY, size=5, root=root)
    assert tree.proves_consistency((), old=5, old_root=root, size=5, root=root)
    assert not tree.proves_consistency((), old=0, old_root=OTHER, size=5, root=root)
    assert not tree.proves_consistency((), old=5, old_root=root, size=5, root=OTHER)
    assert not tree.proves_consistency((OTHER,), old=0, old_root=EMPTY, size=5, root=root)
