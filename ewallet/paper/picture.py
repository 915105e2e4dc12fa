"""The pictures in claims: portraits, seal impressions, maps; looked at before they are put on a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ewallet import qr
from ewallet.credential import Path
from ewallet.errors import Malformed, UsageError
from ewallet.shape import Json, base64

_LONGEST: Final = 512 * 1024  # characters; as long as a whole credential may be
_PLANS: Final = frozenset({"map", "diagram"})


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A PNG or JPEG picture with the words that stand for it."""

    label: str
    path: Path
    data: bytes = field(repr=False)
    media_type: str
    size: tuple[int, int]

    @property
    def wide(self) -> bool:
        """Whether it is a map or plan, which is looked at, rather than a seal or a signature."""
        return not _PLANS.isdisjoint(str(self.path[-1]).split("_"))


def read(found: Json, name: str, label: str) -> Picture:
    """The picture in a claim; ``issue.invalid_value`` where it is no whole PNG or JPEG picture."""
    try:
        data = base64(found if isinstance(found, str) and len(found) <= _LONGEST else "!", "a picture")
        media_type, size = qr.look(data)
    except Malformed as exc:
        raise UsageError("issue.invalid_value", f"{name}: {exc.detail}") from None
    return Picture(label=label, path=(name,), data=data, media_type=media_type, size=size)
