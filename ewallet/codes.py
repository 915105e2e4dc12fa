"""The closed table of error codes: what happened and what a person can do about it, in English and Korean.

A code is ``family.name``. Codes are stable: programs compare them, so one is added but never renamed or given another
meaning; the words may improve. Below, each code is followed by an English and a Korean line, ``what | remedy``, one
sentence each. They are written for the clerk at a counter first and for the developer second, and name no standard:
what exactly was found stands in the error's ``detail``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ewallet.codes_of_evidence import EVIDENCE


class Words(NamedTuple):
    """One code in one language, a sentence each."""

    what: str
    remedy: str


_USAGE: Final = """\
usage.argument
The operation was called with a value it cannot use. | Correct the named argument and call it again.
사용할 수 없는 값으로 기능을 호출하였습니다. | 안내된 인자를 고쳐 다시 실행하십시오.
usage.configuration
A setting is missing or contradicts another one. | Correct the named setting and start the program again.
설정이 빠졌거나 다른 설정과 맞지 않습니다. | 안내된 설정을 고친 뒤 프로그램을 다시 시작하십시오.
usage.file
A named file cannot be read or written. | Check that the path exists, is a regular file and may be opened by you.
지정한 파일을 읽거나 쓸 수 없습니다. | 경로가 맞는지, 일반 파일인지, 접근 권한이 있는지 확인하십시오.
usage.key_reused
The key that names this call has named another call before. | Give each new call a key of its own.
이 호출에 붙인 키가 이미 다른 호출에 쓰였습니다. | 호출마다 새 키를 쓰십시오.
usage.in_progress
The same call was made a moment ago and is being worked on. | Wait a moment and make it again with the same key.
같은 호출을 이미 처리하고 있습니다. | 잠시 뒤 같은 키로 다시 호출하십시오.
usage.missing_extra
This function needs an optional part that is not installed. | Install the named extra and try again.
이 기능에 필요한 선택 구성 요소가 설치되어 있지 않습니다. | 안내된 구성 요소를 설치한 뒤 다시 실행하십시오.
"""

_OPERATION: Final = """\
request.invalid
The request of the verifier is incomplete or breaks the protocol. | Send nothing, and ask the verifier for a new one.
검증기관의 요청이 불완전하거나 규격에 어긋납니다. | 제출하지 말고 검증기관에 새 요청을 받으십시오.
request.signature_invalid
The request of the verifier does not carry a valid signature. | Send nothing, because it may come from somebody else.
검증기관의 요청에 올바른 서명이 없습니다. | 다른 사람이 보낸 것일 수 있으니 제출하지 마십시오.
request.client_id_mismatch
The verifier named in the request is not the one that signed it. | Send nothing, and tell the verifier that is named.
요청에 적힌 검증기관과 서명한 곳이 다릅니다. | 제출하지 말고 적혀 있는 검증기관에 알리십시오.
request.untrusted_verifier
The verifier is not on the trust list. | Send nothing, and ask the organisation whether it is registered.
검증기관이 신뢰목록에 없습니다. | 제출하지 말고 그 기관에 등록 여부를 확인하십시오.
request.response_uri_mismatch
The answer would go to an address that is not of this verifier. | Send nothing, and ask the verifier for a new request.
응답을 받을 주소가 이 검증기관의 것이 아닙니다. | 제출하지 말고 검증기관에 확인한 뒤 새 요청을 받으십시오.
request.issuer_mismatch
The service that answered is not the issuer we turned to. | Stop, and start again from the site of the issuer.
응답한 서비스가 처음 접속한 발급기관과 다릅니다. | 중단하고 발급기관 누리집에서 다시 시작하십시오.
request.declined
The holder declined the request, or the wallet could not answer it. | Explain what is needed and why, and ask again.
소지자가 요청을 거절하였거나 지갑이 답할 수 없었습니다. | 무엇이 왜 필요한지 설명한 뒤 다시 요청하십시오.
request.expired
Nobody answered the request in time. | Make a new request and show its code again.
정해진 시간 안에 요청에 대한 응답이 없었습니다. | 새 요청을 만들어 그 QR 코드를 다시 보이십시오.
request.no_legal_basis
A resident number is asked for without a registered legal basis. | Send nothing; the masked number or a yes/no will do.
등록된 법적 근거 없이 주민등록번호를 요구합니다. | 보내지 말고 가린 번호나 여부 확인으로 대신하십시오.

session.ended
The session with the other device is over. | Begin a new one with a new code.
상대 기기와의 세션이 끝났습니다. | 새 코드를 보여 새로 시작하십시오.
session.unexpected
The other device sent a message that was not due. | Begin anew, and look for a third device nearby if it happens again.
상대 기기가 순서에 맞지 않는 메시지를 보냈습니다. | 새로 시작하고, 반복되면 가까이에 다른 기기가 끼어 있는지 살피십시오.
session.refused
The other device could not read what it was sent, and ended the session. | Begin anew with a new code.
상대 기기가 보낸 내용을 읽지 못하여 세션을 끝냈습니다. | 새 코드를 보여 새로 시작하십시오.

offer.untrusted_issuer
The issuer that offers this credential is not on the trust list. | Refuse the offer, and never enter a code for it.
이 전자증명서를 제안한 발급기관이 신뢰목록에 없습니다. | 제안을 거부하고 어떤 번호도 입력하지 마십시오.
offer.refused
The issuer did not hand out what it offered. | Check the number you entered, or ask the issuer for a new offer.
발급기관이 제안한 전자증명서를 내주지 않았습니다. | 입력한 번호를 확인하거나 발급기관에 새 제안을 요청하십시오.
offer.unsupported
This wallet cannot take what is offered in the way it is offered. | Ask the issuer for an offer of another kind.
이 지갑으로는 제안된 방식으로 발급받을 수 없습니다. | 발급기관에 다른 방식의 제안을 요청하십시오.

access.unauthenticated
No key that is known here was shown. | Use the key that the operator of this service has given to you.
여기서 아는 키를 보이지 않았습니다. | 이 서비스의 운영자에게서 받은 키를 쓰십시오.
access.forbidden
The key that was shown may not be used for this. | Ask the operator of this service for the right to do it.
제시한 키에는 이 작업을 할 권한이 없습니다. | 이 서비스의 운영자에게 필요한 권한을 요청하십시오.

consent.required
There is no consent for this use of the data. | Ask the person concerned for consent first.
이 데이터 이용에 대한 동의가 없습니다. | 먼저 정보주체에게 동의를 받으십시오.
consent.expired
The period of the consent is over. | Ask the person concerned for a new consent.
동의 기간이 끝났습니다. | 정보주체에게 새로 동의를 받으십시오.
consent.withdrawn
The person concerned has withdrawn the consent. | Stop using the data and respect the withdrawal.
정보주체가 동의를 철회하였습니다. | 철회에 따라 데이터 이용을 중단하십시오.
consent.not_yet_valid
The period of the consent has not begun. | Wait until the first day of the consent.
동의 기간이 아직 시작되지 않았습니다. | 동의 시작일까지 기다리십시오.
consent.scope
The consent does not cover everything that was asked for. | Ask only for the documents and items consented to.
요청한 내용에 동의하지 않은 증명서나 항목이 있습니다. | 동의한 범위 안에서만 요청하십시오.
consent.purpose
The consent was given for another purpose. | Ask for consent that names this purpose.
다른 목적으로 받은 동의입니다. | 이번 목적을 밝히고 동의를 새로 받으십시오.
consent.recipient
The consent was given for another receiver. | Ask for consent that names your organisation.
다른 기관에 제공하도록 한 동의입니다. | 우리 기관을 받는 곳으로 밝힌 동의를 받으십시오.
consent.authority
The one who consented may not act for the person concerned. | Ask for the authority of the proxy or legal guardian.
동의한 사람에게 본인을 대신할 권한이 없습니다. | 대리인이나 법정대리인의 권한을 확인하십시오.

receipt.invalid
The consent receipt is incomplete or was altered. | Do not rely on it, and ask for a new receipt.
동의 영수증이 불완전하거나 위변조되었습니다. | 믿지 말고 새 영수증을 요청하십시오.

log.tampered
The history of use was altered after it was written. | Keep the log as evidence and tell the person responsible for it.
이용내역이 기록된 뒤에 바뀌었습니다. | 기록을 증거로 보존하고 담당자에게 알리십시오.
log.forked
Two histories of use were signed for the same log. | Keep both as evidence and tell the person responsible for it.
같은 이용내역에 서로 다른 두 기록이 서명되었습니다. | 두 기록을 증거로 보존하고 담당자에게 알리십시오.
log.omitted
This use is not on record in the history it is said to be in. | Do not use what came with it, and ask for the proof.
이용내역에 올랐다는 기록을 확인할 수 없습니다. | 함께 받은 자료를 쓰지 말고 기록 증명을 요청하십시오.
log.rollback
The history of use is older than one that was seen before. | Ask for the newest one, and report it if there is none.
이미 확인한 것보다 오래된 이용내역입니다. | 최신 이용내역을 요청하고, 없다고 하면 담당자에게 알리십시오.
log.unwitnessed
Too few independent witnesses have confirmed the history of use. | Wait for their confirmation, then try again.
이용내역을 확인한 외부 증인의 수가 모자랍니다. | 증인의 확인을 기다렸다가 다시 시도하십시오.

fetch.blocked
The address must not be contacted from here. | Do not open it by other means, and report it to whoever gave it.
접속하면 안 되는 주소입니다. | 다른 방법으로도 열지 말고 주소를 보낸 곳에 알리십시오.
fetch.redirect
The service sends us on to another address, which is not followed. | Ask its operator for the final address.
서비스가 다른 주소로 넘기려 하여 따라가지 않았습니다. | 운영기관에 최종 주소를 확인하십시오.
fetch.timeout
The service did not answer in time. | Try again in a few minutes.
서비스가 제때 응답하지 않았습니다. | 몇 분 뒤에 다시 시도하십시오.
fetch.unavailable
The service cannot be reached or answers with an error. | Check the connection, and try again later.
서비스에 연결할 수 없거나 서비스가 오류를 돌려주었습니다. | 연결을 확인하고 나중에 다시 시도하십시오.

issue.reserved_claim
The source record uses a name that is reserved for the credential itself. | Rename the field in the source of records.
원천 자료에 전자증명서가 예약한 이름이 쓰였습니다. | 원천 자료에서 그 항목의 이름을 바꾸십시오.
issue.invalid_value
A value in the source record does not fit its kind of credential. | Correct the named field at the source of records.
원천 자료의 값이 증명서 종류의 규격에 맞지 않습니다. | 원천 자료에서 안내된 항목의 값을 바로잡으십시오.
issue.restricted
This certificate is not issued to whoever asks for it. | Ask at the counter of the issuing office.
신청하신 분께는 이 증명서를 발급할 수 없습니다. | 발급기관 창구에 문의하십시오.

storage.auth_failed
The passphrase is wrong or the key record damaged; the two cannot be told apart. | Try again, or restore a backup.
암호가 틀렸거나 키 기록이 손상되었으며 둘은 구별할 수 없습니다. | 암호를 다시 넣고 안 되면 백업을 복원하십시오.
storage.corrupt
Stored data is damaged. | Restore it from a backup, or have the credentials issued again.
저장된 데이터가 손상되었습니다. | 백업에서 복원하거나 전자증명서를 재발급받으십시오.
storage.rollback
The store is older than the one last used. | Put back the latest copy, because an old one may undo what was done since.
저장소가 마지막으로 쓴 것보다 오래되었습니다. | 이후의 변경이 사라질 수 있으니 최신 사본으로 되돌리십시오.
storage.locked
The store is in use by another program. | Close the other program, or wait and try again.
다른 프로그램이 저장소를 사용하고 있습니다. | 그 프로그램을 닫거나 잠시 뒤 다시 시도하십시오.
storage.unavailable
The store cannot be reached or written. | Check that its disk has room and its server is running, then try again.
저장소에 연결하거나 쓸 수 없습니다. | 디스크 여유 공간과 서버 상태를 확인한 뒤 다시 시도하십시오.
storage.not_found
Nothing is kept under that identifier. | Check the identifier against the list of what is kept.
그 식별자로 보관된 것이 없습니다. | 보관 목록에서 식별자를 확인하십시오.
storage.already_used
It could be used only once and has been used. | Ask for a new one.
한 번만 쓸 수 있는 것인데 이미 사용되었습니다. | 새로 요청하십시오.
storage.loose_mode
Other users of this machine can open a file that holds secrets. | Give only its owner access to the file and its folder.
이 컴퓨터의 다른 사용자가 비밀이 든 파일을 열 수 있습니다. | 소유자만 파일과 폴더에 접근할 수 있게 하십시오.

internal.fault
Something went wrong inside this program. | Try again, and report the identifier shown with this message if it persists.
프로그램 안에서 문제가 생겼습니다. | 다시 시도하고, 계속되면 함께 표시된 식별자를 담당자에게 알리십시오.
"""


def _words(line: str) -> Words:
    what, remedy = line.split(" | ")
    return Words(what, remedy)


def _rows() -> Iterator[tuple[str, Mapping[str, Words]]]:
    lines = filter(None, (_USAGE + EVIDENCE + _OPERATION).splitlines())
    for code, en, ko in zip(lines, lines, lines, strict=True):
        yield code, MappingProxyType({"en": _words(en), "ko": _words(ko)})


#: Code -> language ("en", "ko") -> words, in the order above.
TABLE: Final[Mapping[str, Mapping[str, Words]]] = MappingProxyType(dict(_rows()))
