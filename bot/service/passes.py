"""Passes: what a panel's controls carry, so that each click shows again who opened it, where, and as whom.

Discord asks its command permissions when a command is run, not when a button of its answer is clicked. So a click
counts when the one who clicks opened the panel in that server, and either has Manage Server now, or was let in by
Discord without it, at most 15 minutes ago, with the very roles of now. Somebody who had Manage Server when they opened
the panel and lost it since is not let in. The pass is signed: it cannot be made up for another server or person, and
the bot keeps nothing, so it holds after a restart.
"""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass

from bot.domain.errors import PanelOverError
from bot.service.ports import Clock

LENT = 15 * 60
"""Seconds for those without Manage Server."""
KEPT = 24 * 3600
"""Seconds for those with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who opens or clicks, as Discord describes them."""

    guild_id: int
    member_id: int
    roles: Collection[int]
    manager: bool
    """Whether they have Manage Server."""


class Passes:
    """Makes and checks passes."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._key = hashlib.sha256(b"passes of panels" + secret.encode()).digest()
        self._clock = clock

    def issue(self, visitor: Visitor) -> str:
        """A pass of at most 26 letters, digits and commas, for whoever Discord let run the command."""
        opened = f"{int(self._clock()):x}"
        return ",".join((opened, self._bound(opened, visitor), self._lent(opened, visitor)))

    def check(self, given: str, visitor: Visitor) -> None:
        """Raises PanelOverError."""
        opened, _, signatures = given.partition(",")
        bound, _, lent = signatures.partition(",")
        try:
            age = self._clock() - int(opened, 16)
        except ValueError:
            raise PanelOverError from None
        if not hmac.compare_digest(bound, self._bound(opened, visitor)) or age > KEPT:
            raise PanelOverError
        if visitor.manager:
            return
        if age > LENT or not hmac.compare_digest(lent, self._lent(opened, visitor)):
            raise PanelOverError

    def _bound(self, opened: str, visitor: Visitor) -> str:
        return self._signed(f"{opened} {visitor.guild_id} {visitor.member_id}")

    def _lent(self, opened: str, visitor: Visitor) -> str:
        """Not the same for a manager: whoever loses Manage Server keeps nothing."""
        roles = "manager" if visitor.manager else sorted(visitor.roles)
        return self._signed(f"{opened} {visitor.guild_id} {visitor.member_id} {roles}")

    def _signed(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:8]
