"""The words of the pages, Korean first. A page asks for words by their name; missing ones are a fault.

Below, each name is followed by a Korean and an English line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ewallet.errors import Language

_TEXT: Final = """\
other_language
English
한국어

skip
본문으로 건너뛰기
Skip to content

menu
메뉴
Menu

demo_notice
시연용입니다. 나오는 사람과 기관은 모두 가상입니다.
A demonstration. All people and offices are invented.

sign_in
로그인
Sign in

sign_in_lead
시연용 시민 한 명을 고르면 그 사람으로 로그인합니다.
Choose one of the invented citizens to sign in as.

sign_in_as
{name} 님으로 로그인
Sign in as {name}

sign_out
로그아웃
Sign out

signed_in_as
{name} 님
Signed in as {name}

apply
증명서 신청
Apply

apply_lead
받을 증명서를 고르십시오.
Choose the certificate you want.

mine
내 증명서
My certificates

contents
들어 있는 내용
What it contains

contents_lead
지갑에는 아래 내용이 모두 담기고, 제출할 때는 고른 항목만 나갑니다.
Your wallet will hold all of this; what you present later is only what you choose.

answers
예/아니요로만 보일 수 있는 것
Can be shown as yes or no only

agency
발급기관
Issued by

validity
유효기간
Valid for

days
{n}일
{n} days

legal_basis
근거
Legal basis

no_record
발급할 기록이 없습니다.
There is nothing on record to certify.

not_ready
기록을 준비하고 있습니다. 신청하면 준비되는 대로 지갑이 받습니다.
The record is being prepared. If you apply, your wallet receives it when it is ready.

use_tx_code
화면에 나오는 6자리 숫자도 입력해야 받게 하기
Also ask for 6 digits shown on this screen

get_qr
지갑으로 받기
Get it in my wallet

offer
지갑으로 받기
Get it in your wallet

offer_lead
지갑 앱으로 QR 코드를 읽으십시오. 지갑이 이 기기에 있으면 아래 단추를 누르십시오.
Scan the QR code with your wallet. If the wallet is on this device, use the button below.

offer_after
지갑이 받은 증명서는 “내 증명서”에서 볼 수 있습니다.
What your wallet has received is listed under “My certificates”.

qr_alt
지갑 앱으로 읽는 QR 코드. 아래 링크와 같은 내용입니다.
QR code for your wallet. It holds the link below.

open_wallet
이 기기의 지갑에서 열기
Open in the wallet on this device

link
링크
Link

copy
링크 복사
Copy the link

copied
링크를 복사했습니다.
The link was copied.

not_copied
복사하지 못했습니다. 링크를 직접 선택해 복사하십시오.
It could not be copied. Select the link and copy it yourself.

picture
QR 코드 그림(PNG) 내려받기
Download the QR code as a picture (PNG)

tx_code
지갑에 입력할 숫자
Digits to enter in the wallet

good_until
{time}까지 한 번만 쓸 수 있습니다.
Good once, until {time}.

over
이 QR 코드의 시간이 지났습니다. 새 QR 코드를 만드십시오.
The time of this QR code is over. Make a new one.

again
새 QR 코드 만들기
Make a new QR code

issued_on
발급일
Issued

until
유효기간
Valid until

status
상태
Status

valid
유효
Valid

revoked
폐지
Revoked

suspended
정지
Suspended

expired
기간 지남
Expired

revoke
폐지하기
Revoke

revoke_this
{name} 폐지하기
Revoke {name}

revoke_now
지금 폐지
Revoke now

revoke_now_this
{name} 지금 폐지
Revoke now: {name}

revoke_lead
폐지하면 되돌릴 수 없고, 모든 지갑의 사본이 함께 무효가 됩니다.
Revoking cannot be undone and ends every copy in every wallet.

reason
사유
Reason

lost
기기를 잃어버림
Device lost

not_needed
더 필요하지 않음
No longer needed

wrong
내용이 다름
Content is wrong

older
이전에 발급받은 증명서
Older certificates

none_issued
발급받은 증명서가 없습니다.
No certificates have been issued to you.

was_revoked
증명서를 폐지했습니다.
The certificate was revoked.

yes
예
Yes

no
아니요
No

none
없음
None

problem
처리하지 못했습니다
This did not work

problem_400
요청이 올바르지 않습니다.
The request is not right.

problem_403
이 페이지에서 보낸 요청이 아닙니다. 처음부터 다시 해 주십시오.
The request did not come from this page. Please start again.

problem_404
찾는 페이지가 없거나 시간이 지났습니다.
There is no such page, or its time is over.

problem_405
이 주소에서는 할 수 없는 일입니다.
That cannot be done at this address.

problem_408
요청이 너무 느려서 기다리지 않았습니다.
The request came too slowly to wait for.

problem_413
보낸 것이 너무 큽니다.
What was sent is too large.

problem_414
주소가 너무 깁니다.
The address is too long.

problem_429
요청이 너무 많습니다. 잠시 뒤에 다시 해 주십시오.
There were too many requests. Please try again in a moment.

problem_431
요청의 머리말이 너무 큽니다. 이 사이트의 쿠키를 지우고 다시 해 주십시오.
The head of the request is too large. Please delete the cookies of this site and try again.

problem_500
서비스에 문제가 생겼습니다.
Something went wrong on our side.

problem_503
지금은 처리할 수 없습니다. 잠시 뒤에 다시 해 주십시오.
Not possible right now. Please try again shortly.

reference
문의 번호
Reference

home
처음으로
Home

picture
(그림이 들어 있습니다)
(a picture)

resident
주민등록
Resident register

family
가족관계
Family

tax
세금·소득
Tax and income

health_insurance
건강보험
Health insurance

immigration
출입국
Immigration

property
건축물
Buildings

business
사업자
Business

welfare
복지
Welfare

mobile_id
모바일 신분증
Mobile IDs"""

_LANGUAGES: Final[Mapping[Language, int]] = {"ko": 1, "en": 2}
_WORDS: Final = {entry.split("\n")[0]: entry.split("\n") for entry in _TEXT.split("\n\n")}


def word(name: str, language: Language, /, **values: object) -> str:
    """The words of that name, with the values put in."""
    return _WORDS[name][_LANGUAGES[language]].format(**values)


def category(name: str, language: Language) -> str:
    """What a field of certificates is called; its own name where the pages have none."""
    return word(name, language) if name in _WORDS else name


def place(category_: str) -> int:
    """Where a field of certificates stands on a page: in the order above, what has no words at the end."""
    names = list(_WORDS)
    return names.index(category_) if category_ in _WORDS else len(names)


def problem(status: int, language: Language) -> str:
    """What a status means to a person."""
    name = f"problem_{status}"
    return word(name if name in _WORDS else f"problem_{500 if status >= 500 else 400}", language)
