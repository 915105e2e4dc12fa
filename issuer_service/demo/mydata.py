"""The MyData part of the walk (공공 마이데이터): consent that can be proved, on both roads, and what ends it."""

from __future__ import annotations

from typing import Final

from issuer_service.demo import bundle, discount, erasure, portal, record

STEPS: Final = (*bundle.STEPS, *portal.STEPS, *record.STEPS, *portal.ENDING, *discount.STEPS, *erasure.STEPS)
