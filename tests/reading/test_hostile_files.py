"""Group QRC of the security matrix, paper: files that strangers hand in, each refused by name."""

from __future__ import annotations

import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewallet.paper import apart, reading
from ewallet.verdict import Rejected

generic = pytest.importorskip("pyhanko.pdf_utils.generic")
pytest.importorskip("pypdfium2")

from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file  # noqa: E402 - after the skip
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: E402
from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: E402
from pyhanko.pdf_utils.writer import PdfFileWriter, copy_into_new_writer  # noqa: E402

name = generic.pdf_name
text = generic.pdf_string


def _dictionary(**members):
    return generic.DictionaryObject({name(f"/{key}"): value for key, value in members.items()})


def _updated(raw, change):
    """The file with an incremental update."""
    writer = IncrementalPdfFileWriter(BytesIO(raw))
    change(writer)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _root(raw, **members):
    def change(writer):
        writer.root.update(_dictionary(**members))
        writer.update_root()

    return _updated(raw, change)


def _page(raw, **members):
    def change(writer):
        page, _ = writer.find_page_for_modification(0)
        page.get_object().update(_dictionary(**members))
        writer.mark_update(page)

    return _updated(raw, change)


def _script():
    return _dictionary(S=name("/JavaScript"), JS=text("app.alert(1)"))


def _annotation(subtype, **members):
    rect = generic.ArrayObject([generic.NumberObject(0)] * 4)
    return generic.ArrayObject([_dictionary(Type=name("/Annot"), Subtype=name(subtype), Rect=rect, **members)])


def _attached(raw, content=b"x"):
    def change(writer):
        stream = EmbeddedFileObject.from_file_data(writer, content)
        embed_file(writer, FileSpec(file_spec_string="b.jwt", file_name="b.jwt", embedded_data=stream))

    return _updated(raw, change)


def _encrypted(raw):
    writer = copy_into_new_writer(PdfFileReader(BytesIO(raw)))
    writer.encrypt("owner", "user")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _many_pages(raw):
    writer = copy_into_new_writer(PdfFileReader(BytesIO(raw)))
    pages = writer.root["/Pages"]
    page = pages["/Kids"].raw_get(0)
    pages["/Kids"] = generic.ArrayObject([page] * (apart.MAX_PAGES + 1))
    pages["/Count"] = generic.NumberObject(apart.MAX_PAGES + 1)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _many_objects(raw):
    rows = generic.ArrayObject(generic.DictionaryObject() for _ in range(apart.MAX_OBJECTS + 1))
    return _root(raw, PieceInfo=rows)


def _form(raw):
    field = _dictionary(FT=name("/Tx"), T=text("name"))
    return _root(raw, AcroForm=_dictionary(Fields=generic.ArrayObject([field])))


HOSTILE = {
    "nothing": (lambda _: b"", "not a pdf"),
    "another_format": (lambda raw: b"MZ" + raw, "not a pdf"),
    "empty": (lambda _: b"%PDF-1.7\n", "damaged"),
    "cut": (lambda raw: raw[: len(raw) // 2], "damaged"),
    "no_table": (lambda raw: raw.replace(b"startxref", b"startxxxx"), "damaged"),
    "table_that_ends_nowhere": (
        lambda raw: raw[: raw.rindex(b"startxref")] + b"startxref\n999999999\n%%EOF",
        "damaged",
    ),
    "encrypted": (_encrypted, "encrypted"),
    "script": (lambda raw: _root(raw, OpenAction=_script()), "an action on opening"),
    "named_script": (lambda raw: _root(raw, Extra=_script()), "a script"),
    "action_of_a_page": (lambda raw: _page(raw, AA=_dictionary(O=_script())), "additional actions"),
    "launch": (lambda raw: _page(raw, Extra=_dictionary(S=name("/Launch"))), "an action: /Launch"),
    "address": (
        lambda raw: _page(
            raw, Annots=_annotation("/Link", A=_dictionary(S=name("/URI"), URI=text("https://a.example")))
        ),
        "an action: /URI",
    ),
    "note": (lambda raw: _page(raw, Annots=_annotation("/FreeText")), "an annotation"),
    "attachment_on_the_page": (lambda raw: _page(raw, Annots=_annotation("/FileAttachment")), "an annotation"),
    "media": (
        lambda raw: _page(raw, Annots=_annotation("/RichMedia", RichMediaContent=_dictionary())),
        "an annotation",
    ),
    "form": (_form, "a form"),
    "field_of_no_kind": (lambda raw: _page(raw, Annots=_annotation("/Widget")), "a form"),
    "xfa": (lambda raw: _root(raw, AcroForm=_dictionary(XFA=text("x"))), "an xfa form"),
    "layers": (lambda raw: _root(raw, OCProperties=_dictionary()), "layers"),
    "portfolio": (lambda raw: _root(raw, Collection=_dictionary()), "a portfolio"),
    "pages": (_many_pages, f"{apart.MAX_PAGES + 1} pages"),
    "objects": (_many_objects, "objects"),
    "large_attachment": (lambda raw: _attached(raw, bytes(apart.MAX_ATTACHED + 1)), "an attachment of more than"),
}


@pytest.fixture(scope="module")
def plain():
    """A page with nothing on it and nothing in it."""
    writer = PdfFileWriter()
    from pyhanko.pdf_utils.writer import PageObject

    stream = writer.add_object(generic.StreamObject(stream_data=b""))
    writer.insert_page(PageObject(contents=stream, media_box=(0, 0, 595, 842)))
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_plain_file_is_read(plain):
    """So that what is refused below is refused for what was added."""
    assert {"attached": [], "seal": None, "pages": [""], "codes": []} == apart.apart(plain)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_by_name(case, plain):
    """Each for what it is, whatever else it would be."""
    spoil, why = HOSTILE[case]

    with pytest.raises(apart.Refused, match=why):
        apart.apart(spoil(plain))


def test_the_names_reach_the_verdict(plain, ewallet_kit):
    """Through the process of its own, and without anything of the file in the words."""
    judged = reading.verify(ewallet_kit.verifier, _root(plain, OpenAction=_script()), catalog=ewallet_kit.catalog)

    assert isinstance(judged.verdict, Rejected)
    (reason,) = judged.verdict.reasons
    assert ("format", "malformed.pdf", "an action on opening") == (reason.name, reason.code, reason.detail)


def test_a_hundred_megabytes_are_refused_unread(ewallet_kit):
    """By their number, before anything looks at them."""
    judged = reading.verify(ewallet_kit.verifier, b"%PDF-1.7\n" + bytes(100_000_000), catalog=ewallet_kit.catalog)

    assert "limit.size" == judged.verdict.code


def test_a_file_without_credential_and_code_is_none(plain, ewallet_kit):
    """A bill, a letter, an empty page."""
    judged = reading.verify(ewallet_kit.verifier, plain, catalog=ewallet_kit.catalog)

    assert "malformed.pdf" == judged.verdict.code


def test_two_attachments_are_refused(office):
    """Nobody chooses between them."""
    judged = office.verify(_attached(office.file()))

    assert ("malformed.pdf", "2 attachments, expected one credential") == (
        judged.verdict.code,
        judged.verdict.reasons[0].detail,
    )


def test_a_swapped_attachment_is_found(office):
    """The credential of another certificate fits neither the code on the page nor its number of words."""
    sample = office.kit.catalog.type(office.kind_id).sample
    other = office.kit.issuer.issue_paper(
        office.kind_id, sample, subject="citizen-2", recipient="가상은행", purpose="대출 심사"
    )

    judged = office.verify(office.sealed(office.file(credential=other.credential)))

    assert "paper.text_differs" == judged.verdict.code
    assert "the code on the page is of another certificate" == judged.verdict.reasons[0].detail


def test_a_file_without_a_seal_is_refused(office):
    """Though every word on it is true: nobody answers for the rest of it."""
    judged = office.verify(office.file())

    assert ("paper.seal_invalid", "the file has no seal") == (judged.verdict.code, judged.verdict.reasons[0].detail)


def test_an_update_after_the_seal_is_found(office):
    """Even one that changes nothing to be seen."""
    judged = office.verify(_root(office.sealed(), Lang=text("en")))

    assert "paper.seal_invalid" == judged.verdict.code


def test_a_changed_byte_under_the_seal_is_found(office):
    """In the metadata, which nobody looks at."""
    sealed = office.sealed()
    at = sealed.index(b"/Producer") if b"/Producer" in sealed else sealed.index(b"xpacket")
    at = sealed.index(b"(", at) + 1 if b"/Producer" in sealed else at
    judged = office.verify(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])

    assert "paper.seal_invalid" == judged.verdict.code


def test_a_seal_of_another_authority_is_found(office):
    """One that is trusted, but for other certificates."""
    from ewallet.paper.seal import seal

    system = next(system for system in office.kit.pki.signers if system != "resident")
    judged = office.verify(seal(office.file(), office.kit.pki.signers[system], office.kit.clock.now()))

    assert ("disclosures", "trust.issuer_not_authorized") == (judged.verdict.reasons[0].name, judged.verdict.code)


def test_text_that_was_added_is_found(office):
    """White on white, or below something else: it is text on the page."""

    def add(writer):
        page, _ = writer.find_page_for_modification(0)
        page_object = page.get_object()
        stream = writer.add_object(
            generic.StreamObject(stream_data=b"BT /Extra 8 Tf 1 1 1 rg 40 40 Td (paid in full) Tj ET")
        )
        old = page_object.raw_get("/Contents")
        page_object[name("/Contents")] = generic.ArrayObject([old, stream])
        fonts = page_object["/Resources"].setdefault(name("/Font"), generic.DictionaryObject())
        fonts[name("/Extra")] = _dictionary(Type=name("/Font"), Subtype=name("/Type1"), BaseFont=name("/Helvetica"))
        writer.mark_update(page)
        writer.update_container(page_object["/Resources"])

    judged = office.verify(_updated(office.file(), add))

    assert "paper.text_differs" == judged.verdict.code
    assert [None] == [each.path for each in judged.differences]


def test_a_bomb_in_the_attachment_is_refused(plain):
    """Compressed to a thousandth, it never grows beyond what is read."""

    def change(writer):
        packed = zlib.compress(bytes(1 << 28), 9)
        stream = generic.StreamObject(
            _dictionary(Type=name("/EmbeddedFile"), Filter=name("/FlateDecode")), encoded_data=packed
        )
        files = _dictionary(Type=name("/Filespec"), F=text("b"), EF=_dictionary(F=writer.add_object(stream)))
        writer.root[name("/AF")] = generic.ArrayObject([files])
        writer.update_root()

    with pytest.raises(apart.Refused):
        apart.apart(_updated(plain, change))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_changed_it_is_read_or_refused(plain, data):
    """Bytes changed, cut and doubled at random: nothing but a refusal leaves the reader."""
    raw = bytearray(_attached(plain))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["set", "cut", "double"])):
            case "set":
                raw[at] = data.draw(st.integers(0, 255))
            case "cut":
                del raw[at : at + data.draw(st.integers(1, 40))]
            case "double":
                raw[at:at] = raw[at : at + 30]
    try:
        found = apart.apart(bytes(raw))
    except apart.Refused:
        return
    assert {"attached", "seal", "pages", "codes"} == found.keys()


def test_a_seal_under_another_anchor_for_the_same_kind_is_found(ewallet_kit):
    """Two authorities may vouch for one kind; the file and what is attached are still of one of them."""
    from ewallet.formats.paper import Paper
    from ewallet.issuer import Issuer
    from ewallet.paper import Form, pdf
    from ewallet.paper.seal import seal
    from ewallet.testing.pki import Pki
    from ewallet.testing.stores import MemoryIssuerStore, MemoryVerifierStore
    from ewallet.verifier import Verifier

    kit = ewallet_kit
    kind = kit.catalog.type("resident_register_copy")
    pki = Pki.make(at=kit.clock.now(), systems={kind.system: [kind.vct], "other": [kind.vct]})
    issuer = Issuer(
        pki.issuer,
        signers=pki.signers,
        status_signer=pki.status_signer,
        catalog=kit.catalog,
        store=MemoryIssuerStore(),
        env=kit.env,
    )
    issued = issuer.issue_paper(kind.id, kind.sample, subject="citizen-1", recipient="가상은행", purpose="대출")
    claims = Paper.open(issued.credential).check_disclosures().claims
    form = Form.of(kind, claims, receiver="가상은행", purpose="대출")
    file = pdf(form, credential=issued.credential, code=issued.code, at=kit.clock.now())
    bank = Verifier("bank", trust=pki.trust_list(), store=MemoryVerifierStore(), env=kit.env)

    judged = reading.verify(bank, seal(file, pki.signers["other"], kit.clock.now()), catalog=kit.catalog)

    assert isinstance(judged.verdict, Rejected)
    assert ("disclosures", "trust.issuer_mismatch") == (judged.verdict.reasons[0].name, judged.verdict.code)


def test_a_seal_needs_a_certificate_and_a_key_that_cms_has(plain, ewallet_kit):
    """Neither a key without certificates nor an Edwards key makes one; nor is what is no file sealed."""
    from ewallet.errors import EWalletError
    from ewallet.keys import SigningKey
    from ewallet.paper.seal import seal

    at, signer = ewallet_kit.clock.now(), ewallet_kit.issuer.signer("resident_register_copy")
    codes = []
    for raw, key in ((plain, SigningKey.generate()), (plain, SigningKey.generate("EdDSA")), (b"%PDF-", signer)):
        with pytest.raises(EWalletError) as caught:
            seal(raw, key, at)
        codes.append(caught.value.code)

    assert ["usage.configuration", "usage.configuration", "malformed.pdf"] == codes
