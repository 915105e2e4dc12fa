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


class Words(NamedTuple):
    """One code in one language, a sentence each."""

    what: str
    remedy: str


_TEXT: Final = """\
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

malformed.encoding
The data is not encoded in the required way. | Ask the sender for it again and pass it on unchanged.
데이터가 정해진 방식으로 부호화되어 있지 않습니다. | 보낸 쪽에서 다시 받아 고치지 말고 그대로 넣으십시오.
malformed.json
The data is not well-formed JSON. | Ask the sender to produce the message again with standard JSON.
데이터가 올바른 JSON이 아닙니다. | 보낸 쪽에 표준 JSON으로 다시 만들어 달라고 요청하십시오.
malformed.json_duplicate
The same name occurs twice in one JSON object. | Do not rely on either value and ask the sender for a clean message.
한 JSON 객체에 같은 이름이 두 번 나옵니다. | 두 값 모두 믿지 말고 보낸 쪽에 바로잡아 달라고 요청하십시오.
malformed.claim_type
A field holds the wrong kind of value. | Ask the issuer or sender to correct the named field.
항목에 들어 있는 값의 종류가 맞지 않습니다. | 발급기관이나 보낸 쪽에 안내된 항목을 고쳐 달라고 요청하십시오.
malformed.sdjwt
The credential or presentation is not a well-formed SD-JWT. | Ask the holder to present it again from the wallet.
전자증명서나 제출본이 올바른 SD-JWT 형식이 아닙니다. | 소지자에게 지갑에서 다시 제출해 달라고 요청하십시오.
malformed.cbor
The data is not well-formed CBOR. | Ask the sender to produce the message again with standard CBOR.
데이터가 올바른 CBOR가 아닙니다. | 보낸 쪽에 표준 CBOR로 다시 만들어 달라고 요청하십시오.
malformed.cose
The signed CBOR message does not have the required structure. | Ask the sender to sign the message again.
서명된 CBOR 메시지의 구조가 규정과 다릅니다. | 보낸 쪽에 다시 서명해 달라고 요청하십시오.
malformed.mdoc
The credential or presentation is not a well-formed mdoc. | Ask the holder to present one mdoc again from the wallet.
전자증명서나 제출본이 올바른 mdoc 형식이 아닙니다. | 소지자에게 지갑에서 mdoc 한 건을 다시 제출해 달라고 요청하십시오.
malformed.x509
A certificate of the signer cannot be read. | Ask the signer to send the certificate chain again in DER form.
서명자의 인증서를 읽을 수 없습니다. | 서명한 기관에 인증서 체인을 DER 형식으로 다시 보내 달라고 요청하십시오.
malformed.url
An address is not a well-formed URL. | Check the address with whoever gave it to you.
주소가 올바른 URL이 아닙니다. | 주소를 알려 준 곳에 주소가 맞는지 확인하십시오.
malformed.qr
The picture does not hold exactly one QR code of a kind we know. | Show a single QR code of the wallet or the issuer.
그림에 처리할 수 있는 QR 코드가 하나만 있지 않습니다. | 지갑이나 발급기관의 QR 코드 하나만 보이게 하십시오.
malformed.image
The picture file cannot be read. | Save the picture again as a single PNG or JPEG image.
그림 파일을 읽을 수 없습니다. | 그림을 한 장짜리 PNG나 JPEG로 다시 저장하십시오.
malformed.offer
The credential offer is not well formed. | Ask the issuer for a new offer.
발급 제안의 형식이 올바르지 않습니다. | 발급기관에 새 발급 제안을 요청하십시오.
malformed.vp_token
The answer of the wallet does not have the shape that was asked for. | Ask the holder to answer with a current wallet.
지갑의 응답이 요청한 구조와 다릅니다. | 소지자에게 최신 지갑으로 다시 제출해 달라고 요청하십시오.

limit.size
The data is larger than allowed. | Ask the sender for a smaller message or file.
데이터가 허용된 크기보다 큽니다. | 보낸 쪽에 더 작은 메시지나 파일을 요청하십시오.
limit.depth
The data is nested more deeply than allowed. | Ask the sender for a message with fewer levels.
데이터가 허용된 단계보다 깊게 겹쳐 있습니다. | 보낸 쪽에 단계를 줄인 메시지를 요청하십시오.
limit.count
The data holds more elements than allowed. | Ask the sender to split the message or leave out what was not asked for.
데이터에 허용된 수보다 많은 요소가 있습니다. | 보낸 쪽에 나누어 보내거나 요청하지 않은 항목을 빼 달라고 하십시오.
limit.decompressed
Compressed data grows beyond the allowed size. | Treat the message as hostile and tell its sender.
압축을 풀면 데이터가 허용된 크기를 넘습니다. | 공격일 수 있으니 처리하지 말고 보낸 쪽에 알리십시오.
limit.time
The work took longer than allowed and was stopped. | Try again once, and report it if it happens again.
처리 시간이 허용된 한도를 넘어 중단하였습니다. | 한 번 다시 시도하고, 반복되면 담당자에게 알리십시오.
limit.rate
Too many attempts were made in a short time. | Wait a few minutes before you try again.
짧은 시간에 너무 많이 시도하였습니다. | 몇 분 기다린 뒤 다시 시도하십시오.

crypto.alg_not_allowed
The signature or encryption uses an algorithm that is not allowed. | Ask its author to use an accepted algorithm.
허용되지 않은 서명 또는 암호화 알고리즘을 사용하였습니다. | 서명하거나 보낸 쪽에 허용된 알고리즘을 쓰도록 요청하십시오.
crypto.hash_not_allowed
The digests use a hash function that is not allowed. | Ask the issuer to issue it again with an accepted one.
허용되지 않은 해시 함수를 사용하였습니다. | 발급기관에 허용된 해시 함수로 전자증명서를 재발급하도록 요청하십시오.
crypto.key_invalid
A key is damaged, too weak or of the wrong kind. | Ask the owner of the key to replace it.
키가 손상되었거나 너무 약하거나 종류가 맞지 않습니다. | 키의 주인에게 키를 바꾸도록 요청하십시오.
crypto.signature_invalid
The signature does not match, so the content may have been altered. | Refuse it, and ask its source for a new one.
서명이 일치하지 않아 위변조되었을 수 있습니다. | 받아들이지 말고 원래 기관이나 소지자에게 새로 요청하십시오.
crypto.crit_unsupported
The message demands an extension that is not supported here. | Ask the sender for a message without that extension.
지원하지 않는 확장 기능을 반드시 처리하도록 요구하는 메시지입니다. | 보낸 쪽에 그 확장을 뺀 메시지를 요청하십시오.
crypto.typ_mismatch
A signed message of another kind was given in place of the expected one. | Ask for the right kind of message.
필요한 것과 다른 종류의 서명된 메시지를 받았습니다. | 보낸 쪽에 올바른 종류의 메시지를 요청하십시오.
crypto.decrypt_failed
The encrypted message cannot be opened with our key. | Start a new request so that the sender uses the current key.
암호화된 메시지를 우리 키로 풀 수 없습니다. | 보낸 쪽이 현재 키를 쓰도록 새 요청을 시작하십시오.
crypto.not_encrypted
The answer had to be encrypted but came in the clear. | Discard it, and ask for an answer from a wallet that encrypts.
암호화해야 하는 응답이 암호화되지 않은 채 왔습니다. | 사용하지 말고 암호화를 지원하는 지갑으로 다시 받으십시오.

trust.no_path
The signer cannot be traced to an authority on the trust list. | Refuse it unless that authority is added there.
서명한 기관을 신뢰목록의 기관까지 확인할 수 없습니다. | 그 기관이 신뢰목록에 등록되기 전에는 받지 마십시오.
trust.self_signed
The signer vouches only for itself. | Ask for a credential signed by an issuer on the trust list.
서명한 쪽이 스스로를 보증할 뿐입니다. | 신뢰목록에 있는 발급기관이 서명한 전자증명서를 요청하십시오.
trust.cert_expired
A certificate of the signer was not valid at this time. | Ask the holder for a newly issued credential.
서명자의 인증서가 이 시점에 유효하지 않습니다. | 소지자에게 재발급받은 전자증명서를 요청하십시오.
trust.cert_profile
A certificate of the signer is not fit for this purpose. | Tell the issuer that its certificate breaks the profile.
서명자의 인증서가 이 용도에 맞지 않습니다. | 발급기관에 인증서가 규격에 맞지 않는다고 알리십시오.
trust.cert_revoked
A certificate of the signer has been revoked. | Refuse it, and ask for one issued under a new certificate.
서명자의 인증서가 폐지되었습니다. | 받아들이지 말고 새 인증서로 재발급된 전자증명서를 요청하십시오.
trust.revocation_unknown
Whether a certificate of the signer has been revoked cannot be told. | Get a current revocation list and check again.
서명자의 인증서가 폐지되었는지 알 수 없습니다. | 최신 인증서 폐지 목록을 받아 다시 확인하십시오.
trust.issuer_mismatch
The issuer named in the credential is not the one that signed it. | Refuse it, and report it to the issuer it names.
전자증명서에 적힌 발급기관과 서명한 기관이 다릅니다. | 받아들이지 말고 적혀 있는 발급기관에 알리십시오.
trust.issuer_not_authorized
The signer is trusted, but not for this kind or purpose. | Ask for one from the authority responsible for it.
서명한 기관에 이 종류나 용도에 대한 권한이 없습니다. | 소관 발급기관의 전자증명서를 요청하십시오.
trust.list_invalid
The trust list is not genuine, complete or current. | Get the trust list again from its operator.
신뢰목록이 진본이 아니거나 불완전하거나 기간이 지났습니다. | 운영기관에서 신뢰목록을 다시 받으십시오.
trust.list_rollback
The trust list is older than one already seen. | Keep the newer list, and ask the operator why an old one was served.
이미 확인한 것보다 오래된 신뢰목록입니다. | 새 목록을 계속 쓰고 운영기관에 이유를 문의하십시오.

sdjwt.digest_duplicate
The credential lists the same digest twice. | Ask the issuer to issue the credential again.
전자증명서에 같은 해시값이 두 번 들어 있습니다. | 발급기관에 재발급을 요청하십시오.
sdjwt.disclosure_duplicate
The presentation discloses the same item twice. | Ask the holder to present it again with each item once.
제출본에 같은 항목이 두 번 공개되어 있습니다. | 소지자에게 항목을 한 번씩만 담아 다시 제출하도록 요청하십시오.
sdjwt.disclosure_unreferenced
The presentation discloses an item that the issuer did not sign. | Discard it, and ask the holder to present again.
제출본에 발급기관이 서명하지 않은 항목이 있습니다. | 사용하지 말고 소지자에게 다시 제출해 달라고 요청하십시오.
sdjwt.claim_reserved
A disclosed item has a name that is reserved for the format. | Ask the issuer to issue it under another name.
공개된 항목이 형식에서 예약된 이름을 쓰고 있습니다. | 발급기관에 다른 이름으로 재발급하도록 요청하십시오.
sdjwt.claim_collision
A disclosed item has the name of one that is already there. | Ask the issuer to issue it with distinct names.
공개된 항목의 이름이 이미 있는 항목과 겹칩니다. | 발급기관에 이름이 겹치지 않게 재발급하도록 요청하십시오.
sdjwt.validity_claim_disclosed
An item that must always be visible was made selectively disclosable. | Ask the issuer to issue the credential again.
항상 보여야 하는 항목이 골라서 공개하는 항목으로 되어 있습니다. | 발급기관에 바로잡아 재발급하도록 요청하십시오.

kb.missing
Nothing proves that the presenter is the holder. | Ask the holder to present it in person from the wallet that holds it.
제출한 사람이 소지자인지 확인할 수 없습니다. | 소지자에게 보관 중인 지갑에서 직접 제출하도록 요청하십시오.
kb.typ
The proof of the holder is a message of another kind. | Ask the holder to present again with a conforming wallet.
소지자 확인이 다른 종류의 메시지로 되어 있습니다. | 소지자에게 규격에 맞는 지갑으로 다시 제출하도록 요청하십시오.
kb.signature_invalid
The presentation was not signed with the key of the holder. | Refuse it, and ask the holder in person for a new one.
제출본이 소지자의 키로 서명되지 않았습니다. | 이 사람에게서 받지 말고 소지자에게 새 제출을 요청하십시오.
kb.aud
The presentation was made for another verifier. | Ask the holder to answer the request of your own organisation.
다른 검증기관에 내려고 만든 제출본입니다. | 소지자에게 우리 기관의 요청에 응답하도록 안내하십시오.
kb.nonce
The presentation answers another request. | Show the holder the current request and ask for a new presentation.
다른 요청에 응답한 제출본입니다. | 소지자에게 현재 요청을 보여 주고 새로 제출하도록 요청하십시오.
kb.iat
The presentation was not made just now. | Check the clocks of both devices and ask the holder to present again.
제출본이 방금 만들어진 것이 아닙니다. | 두 기기의 시각을 확인하고 소지자에게 다시 제출하도록 요청하십시오.
kb.sd_hash
The disclosed items were changed after the holder signed. | Do not accept it, and ask the holder to present again.
소지자가 서명한 뒤 공개 항목이 바뀌었습니다. | 받아들이지 말고 소지자에게 다시 제출하도록 요청하십시오.

mdoc.doctype_mismatch
The signed document type differs from the one stated or requested. | Ask the holder for one of the requested type.
서명된 문서 종류가 표시되거나 요청한 종류와 다릅니다. | 소지자에게 요청한 종류의 전자증명서를 다시 받으십시오.
mdoc.digest_mismatch
An item is not the one the issuer signed. | Do not use it, and ask the holder to present again.
항목이 발급기관이 서명한 값과 다릅니다. | 사용하지 말고 소지자에게 다시 제출하도록 요청하십시오.
mdoc.digest_missing
The signature of the issuer does not cover one of the items. | Ask the holder to present only items the issuer signed.
발급기관의 서명이 미치지 않는 항목이 있습니다. | 소지자에게 발급기관이 서명한 항목만 제출하도록 요청하십시오.
mdoc.device_auth
The device did not prove that it holds the document for this session. | Start anew and ask the holder to present again.
기기가 이번 제출에서 소지자 확인을 통과하지 못했습니다. | 새로 시작하여 소지자에게 다시 제출하도록 요청하십시오.
mdoc.device_namespace
The device added items the issuer did not allow it to state. | Discard them, and ask for those the issuer signed.
발급기관이 허용하지 않은 항목을 기기가 덧붙였습니다. | 그 항목을 쓰지 말고 발급기관이 서명한 항목을 요청하십시오.

time.expired
The validity period is over. | Ask the holder to renew it and present again.
유효기간이 지났습니다. | 소지자에게 새로 발급받거나 갱신하여 다시 제출하도록 요청하십시오.
time.not_yet_valid
The validity period has not begun. | Check the clock of this device, or wait until the period begins.
유효기간이 아직 시작되지 않았습니다. | 이 기기의 시각을 확인하거나 시작일까지 기다리십시오.
time.missing
A required validity date is missing. | Ask the issuer for a credential that states its validity period.
필요한 유효기간이 적혀 있지 않습니다. | 발급기관에 유효기간이 적힌 전자증명서를 요청하십시오.

status.revoked
The credential has been revoked for good. | Do not accept it, and refer the holder to the issuer for a new one.
전자증명서가 폐지되었습니다. | 받아들이지 말고 소지자에게 발급기관에서 재발급받도록 안내하십시오.
status.suspended
The credential is suspended for now. | Ask the holder to have the suspension lifted by the issuer and return.
전자증명서의 효력이 정지되어 있습니다. | 소지자에게 발급기관에서 정지를 푼 뒤 다시 오도록 안내하십시오.
status.unknown_value
The status has a value whose meaning is not known. | Do not accept it, and ask the issuer what the value means.
전자증명서의 상태값이 무슨 뜻인지 알 수 없습니다. | 받아들이지 말고 발급기관에 상태값의 뜻을 문의하십시오.
status.missing
The credential does not say where its status can be checked. | Ask the issuer, or decide by policy that none is needed.
전자증명서에 상태를 확인할 곳이 적혀 있지 않습니다. | 발급기관에 문의하거나 상태 확인을 생략할지 정책으로 정하십시오.
status.index_out_of_range
The status list has no entry for this credential. | Report the credential to the issuer.
상태 목록에 이 전자증명서의 자리가 없습니다. | 발급기관에 이 사실을 알리십시오.
status.uri_mismatch
The status list belongs to another address than the credential names. | Get the list from the address in the credential.
전자증명서에 적힌 주소와 다른 상태 목록입니다. | 전자증명서에 적힌 주소에서 목록을 다시 받으십시오.
status.token_invalid
The status list is not genuine or not signed by one entitled to it. | Get it again, and tell the issuer if it stays so.
상태 목록이 진본이 아니거나 권한 있는 기관이 서명하지 않았습니다. | 목록을 다시 받고, 계속되면 발급기관에 알리십시오.
status.stale
The status list at hand is too old to rely on. | Fetch a current list and check again.
가지고 있는 상태 목록이 너무 오래되었습니다. | 최신 목록을 받아 다시 확인하십시오.
status.rollback
The status list is older than one already seen and may hide a revocation. | Keep the newer list and tell the issuer.
이미 확인한 것보다 오래된 상태 목록이어서 폐지가 가려질 수 있습니다. | 새 목록을 계속 쓰고 발급기관에 알리십시오.
status.unavailable
The status list cannot be obtained. | Check the connection and try again before you decide.
상태 목록을 받을 수 없습니다. | 연결을 확인하고 다시 시도한 뒤에 판단하십시오.
status.transition
The status cannot be changed in this way, because revoked is final. | Issue a new credential instead.
폐지는 되돌릴 수 없으므로 상태를 그렇게 바꿀 수 없습니다. | 새 전자증명서를 발급하십시오.

replay.nonce_used
The one-time number of this request has been used already. | Make a new request.
이 요청의 일회용 번호가 이미 사용되었습니다. | 새 요청을 만드십시오.
replay.response_used
This request has been answered already. | Keep the first result, or make a new request if you need another answer.
이미 응답을 받은 요청입니다. | 처음 결과를 그대로 쓰고, 다시 필요하면 새 요청을 만드십시오.

dcql.invalid
The query for items is not well formed. | Correct the query as the detail says.
항목을 요청하는 질의의 형식이 올바르지 않습니다. | 상세 설명에 따라 질의를 고치십시오.
dcql.unsatisfied
What was presented does not meet the request. | Ask the holder to present the requested credentials and required items.
제출된 내용이 요청을 충족하지 않습니다. | 소지자에게 요청한 전자증명서와 필수 항목을 제출하도록 안내하십시오.
dcql.extra_claims
More items were presented than requested. | Do not keep the additional items, and ask for a presentation without them.
요청하지 않은 항목까지 제출되었습니다. | 남는 항목은 보관하지 말고 그 항목을 뺀 제출본을 요청하십시오.

policy.vct_not_accepted
This kind of credential is not accepted here. | Ask the holder for a kind that the request names.
여기서 받지 않는 종류의 전자증명서입니다. | 소지자에게 요청에 적힌 종류의 전자증명서를 요청하십시오.
policy.type_metadata
The credential does not fit the description of its kind. | Report the credential to its issuer.
전자증명서가 해당 증명서 종류의 규격에 맞지 않습니다. | 발급기관에 이 사실을 알리십시오.
policy.subject_mismatch
The credentials do not all belong to the same person. | Ask for credentials of one and the same person.
전자증명서들이 같은 사람의 것이 아닙니다. | 한 사람의 전자증명서만 제출하도록 요청하십시오.
policy.subject_unknown
Whether the credentials belong to the same person cannot be told. | Ask for the name and date of birth in each of them.
전자증명서들이 같은 사람의 것인지 알 수 없습니다. | 각 증명서의 성명과 생년월일을 함께 요청하십시오.
policy.transaction_data
The holder did not confirm this very transaction. | Show the transaction again and ask the holder to confirm it.
소지자가 바로 이 거래를 확인한 것이 아닙니다. | 거래 내용을 다시 보여 주고 확인을 받으십시오.

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
    lines = filter(None, _TEXT.splitlines())
    for code, en, ko in zip(lines, lines, lines, strict=True):
        yield code, MappingProxyType({"en": _words(en), "ko": _words(ko)})


#: Code -> language ("en", "ko") -> words, in the order above.
TABLE: Final[Mapping[str, Mapping[str, Words]]] = MappingProxyType(dict(_rows()))
