"""``python -m issuer_service.demo``: walks the road, says where the pages are, and leaves them up until Ctrl-C.

It ends with 0 where every step held, with 1 where one did not, and with 128 and the signal's number where it was ended
on the way.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import ExitStack
from time import monotonic, sleep
from typing import Final

import httpx2

from ewallet import command, qr
from ewallet.env import Env
from ewallet.errors import EWalletError, Language
from ewallet.serving import listening, served
from ewallet.terminal import language
from issuer_service.demo import leaflet, place
from issuer_service.demo.browser import Unexpected
from issuer_service.demo.crew import Crew, Stopped
from issuer_service.demo.stage import Stage
from issuer_service.demo.walk import ASKED, KIND, walk

_FAILED: Final = 1
_SIGNALLED: Final = 128
_GLANCE: Final = 0.5


def _program(argv: list[str]) -> int:
    parser = command.Parser(prog="issuer_service.demo", description="Walk the whole road on this machine.")
    parser.add_argument("--once", action="store_true", help="end after the walk, and leave no pages up")
    parser.add_argument("--lan", metavar="ADDRESS", help="serve https at this address of ours; 1: whichever there is")
    parser.add_argument("--lang", choices=("ko", "en"), help="the language of words; else that of LANG")
    try:
        args = parser.parse_args(argv)
    except command.Misuse as exc:
        command.complain("issuer_service.demo", command.understood(exc), language(command.asked_language(argv)))
        return command.MISUSED
    return _played(args, language(args.lang))


def _played(args: Namespace, lang: Language) -> int:
    try:
        with place.folder() as folder, ExitStack() as claims, Crew() as crew:
            env = Env()
            found = place.network(folder, claims, args.lan, env.now()) if args.lan else place.here(folder, claims)
            return _play(args, Stage.build(found, lang, env, crew))
    except place.Unplaced as exc:
        print(exc.words[lang], file=sys.stderr)
    except BrokenPipeError:
        raise
    except (Unexpected, EWalletError, httpx2.HTTPError, OSError) as exc:
        stopped = {"ko": "시연이 멈췄습니다", "en": "the demo stopped"}
        print(f"\n{stopped[lang]}: {exc}", file=sys.stderr)
    except Stopped as exc:
        return _SIGNALLED + exc.number
    return _FAILED


def _play(args: Namespace, stage: Stage) -> int:
    begun = monotonic()
    walk(stage)
    _sum_up(stage, monotonic() - begun)
    if args.once:
        return 0
    with ExitStack() as open_:
        if stage.place.leaflet_port:
            bound = open_.enter_context(listening(stage.place.host, stage.place.leaflet_port))
            open_.enter_context(served(leaflet.app(stage.place), bound))
        _invite(stage)
        return _stay(stage)


def _sum_up(stage: Stage, seconds: float) -> None:
    folder = stage.place.folder
    stage.say(
        f"\n모든 단계가 약속대로 되었습니다({seconds:.1f}초). 파일과 QR 그림은 {folder}/ 에 있습니다.",
        f"\nEvery step held ({seconds:.1f} s). The files and the QR pictures are in {folder}/.",
    )


def _invite(stage: Stage) -> None:
    """What to do now, in words that can be copied."""
    environment = stage.write_environment()
    asking = f"ewallet-verify request --type {KIND} --claims {','.join(ASKED)} --purpose {{}}"
    stage.say(
        f"""
열려 있습니다: 발급기관 페이지  {stage.place.issuer}/
             은행 API       {stage.place.bank}/v1/requests
             은행 대출 창구   {stage.place.desk}/

직접 해 보십시오. 다른 터미널에서:
  . {environment}
  ewallet receive '발급기관 페이지에서 복사한 링크'
  {asking.format("'대출 심사'")}
  ewallet present '은행이 보여 준 링크'

마이데이터: 브라우저로 은행 대출 창구를 열어 단추를 누르고, 포털에 홍길동으로 로그인해 동의문을 읽습니다. 서명은:
  ewallet present '동의 화면의 지갑 링크'""",
        f"""
Open now: the issuer's pages  {stage.place.issuer}/
          the bank's API      {stage.place.bank}/v1/requests
          its loan desk       {stage.place.desk}/

Try it yourself. In another terminal:
  . {environment}
  ewallet receive 'the link from the issuer'
  {asking.format("'a loan'")}
  ewallet present 'the link from the bank'

MyData: open the loan desk in a browser, press its button, sign in at the portal as Hong Gildong and read on. To sign:
  ewallet present 'the wallet link of the consent page'""",
    )
    if stage.place.tls:
        _invite_phones(stage)
    stage.say("\nCtrl-C를 누르면 모두 닫습니다.", "\nCtrl-C closes everything.")


def _invite_phones(stage: Stage) -> None:
    stage.say("\n휴대전화에서:", "\nOn a phone:")
    steps = leaflet.told(stage.place, stage.language, leaflet.fingerprint(stage.place))
    for number, step in enumerate(steps, 1):
        print(f"  {number}. {step}")
    print(qr.terminal(stage.place.leaflet), flush=True)


def _stay(stage: Stage) -> int:
    """Until somebody ends it: 0; 1 where a service ends by itself."""
    try:
        while not stage.crew.ended_by_itself():
            sleep(_GLANCE)
    except Stopped:
        stage.say("\n닫았습니다.", "\nClosed.")
        return 0
    raise Unexpected("a service ended by itself, see the logs")


if __name__ == "__main__":
    sys.exit(command.run(_program, None))
