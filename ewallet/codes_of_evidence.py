"""The rows of :mod:`ewallet.codes` about evidence: what came, and whether it holds. The table itself is there."""

from __future__ import annotations

from typing import Final

EVIDENCE: Final = """\
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
malformed.pdf
The PDF cannot be read, or holds what the file of a certificate never does. | Ask for the file exactly as it was issued.
파일(PDF)을 읽을 수 없거나 증명서 파일에 없어야 할 것이 있습니다. | 발급받은 파일을 그대로 달라고 요청하십시오.
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

paper.text_differs
What is printed differs from what the issuer signed. | Do not accept it, and compare the items that are named.
인쇄된 내용이 발급기관이 서명한 내용과 다릅니다. | 받아들이지 말고 안내된 항목을 대조하십시오.
paper.seal_invalid
The file has no intact seal of its issuer and may have been altered. | Refuse it, and ask for the file as it was issued.
파일에 발급기관의 온전한 전자서명이 없어 위변조되었을 수 있습니다. | 받아들이지 말고 발급받은 원본 파일을 요청하십시오.

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
policy.joint_missing
Not everybody of the joint case has answered. | Ask whoever is named as missing once more.
공동 심사의 당사자 모두가 응답하지는 않았습니다. | 응답하지 않은 것으로 표시된 사람에게 다시 요청하십시오.
policy.joint_twice
One person answered in two places of a joint case. | Ask each person of the case to answer for themselves.
공동 심사에서 한 사람이 두 자리에서 응답했습니다. | 당사자마다 각자 응답하도록 요청하십시오.
policy.joint_household
Somebody of the joint case is not in the household that was shown. | Check who belongs to the case.
공동 심사의 당사자 중에 제출된 세대에 속하지 않은 사람이 있습니다. | 누가 당사자인지 확인하십시오.
policy.transaction_data
The holder did not confirm this very transaction. | Show the transaction again and ask the holder to confirm it.
소지자가 바로 이 거래를 확인한 것이 아닙니다. | 거래 내용을 다시 보여 주고 확인을 받으십시오.
"""
