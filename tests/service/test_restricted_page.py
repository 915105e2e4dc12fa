"""The page of a certificate that the records forbid to issue."""

from __future__ import annotations

import pytest

from ewallet.errors import Restricted
from ewallet.testing.caller import KIND

HTML = {"accept": "text/html"}


class _Forbidding:
    """A register that forbids everything."""

    def claims(self, _subject, _type_id):
        raise Restricted


@pytest.mark.parametrize(
    ("language", "words"),
    [("ko", "신청하신 분께는 이 증명서를 발급할 수 없습니다."), ("en", "not issued to whoever asks")],
)
def test_a_page_says_that_it_is_not_issued_and_nothing_else(open_site, settings, language, words):
    """In the reader's language; the page has nothing of the record and no way to apply."""
    site = open_site(settings, _Forbidding())
    site.sign_in()
    page = site.browser.get(f"/kinds/{KIND}", headers={**HTML, "accept-language": language})

    assert (400, True, False) == (page.status_code, words in page.text, f"/kinds/{KIND}/offer" in page.text)
