"""Records that an issuer of mobile IDs is handed, and must not sign: nobody could read what came of them."""

from __future__ import annotations

import pytest

from ewallet import shape
from ewallet.errors import UsageError
from ewallet.testing.kit import Kit

LICENCE = "mobile_driver_license"


@pytest.fixture(scope="module")
def kit():
    """One for all tests of the file: what is refused changes nothing in it."""
    return Kit.make()


def _refused(kit, format_id, **claims):
    """The code and claim with which a licence of other claims than the sample's is refused."""
    with pytest.raises(UsageError) as refused:
        kit.issue(LICENCE, claims={**kit.catalog.type(LICENCE).sample, **claims}, format_id=format_id)
    return refused.value.code, refused.value.detail.partition(":")[0]


@pytest.mark.parametrize("format_id", ["mso_mdoc", "dc+sd-jwt"])
@pytest.mark.parametrize("row", [True, 1, 1.5, None, "1종보통", [], [["code"]]], ids=repr)
def test_classes_that_are_no_rows(row, format_id, kit):
    """Categories follow from the classes of a licence; what is no row has none, and is refused."""
    assert ("issue.invalid_value", "kr_license_classes.0") == _refused(kit, format_id, kr_license_classes=[row])


@pytest.mark.parametrize("format_id", ["mso_mdoc", "dc+sd-jwt"])
@pytest.mark.parametrize(
    "portrait",
    ["", "1", "a===", "YQ", "YR==", "YWJ=", "YW Jj", "_-8=", "YWJj\n", "data:image/jpeg;base64,YWJj"],
    ids=repr,
)
def test_pictures_that_are_no_bytes(portrait, format_id, kit):
    """A picture is padded, canonical base64: an mdoc has the bytes of it, and both formats the same picture."""
    assert ("issue.invalid_value", "portrait") == _refused(kit, format_id, portrait=portrait)


@pytest.mark.parametrize("format_id", ["mso_mdoc", "dc+sd-jwt"])
@pytest.mark.parametrize("day", ["0000-01-01", "0000-12-31", "2026-02-30", "2026-1-1", "-001-01-01"])
def test_days_that_no_calendar_has(day, format_id, kit):
    """The year 0 is a form of a date, and none that exists."""
    assert ("issue.invalid_value", "birth_date") == _refused(kit, format_id, birth_date=day)


@pytest.mark.parametrize("format_id", ["mso_mdoc", "dc+sd-jwt"])
def test_records_of_which_no_credential_could_be_read(format_id, kit):
    """Each value is short enough, all of them are not; the largest record that is signed can be received."""
    picture = "A" * (shape.MAX_CREDENTIAL // 2)

    assert ("issue.invalid_value", "record") == _refused(kit, format_id, portrait=picture)
    sample = kit.catalog.type(LICENCE).sample
    assert kit.issue(LICENCE, claims={**sample, "portrait": picture[:-8_000]}, format_id=format_id).credential.claims
