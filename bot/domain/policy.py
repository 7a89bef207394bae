"""What a server's rules say to an order: nothing, or every reason why not. Used by every door."""

from bot.domain.asking import Asker, Where
from bot.domain.errors import PrivateForbiddenError, RefusedError
from bot.domain.order import Order, Request
from bot.domain.rules import Rules


def objections(
    order: Order,
    request: Request,  # noqa: ARG001 - limits on size and count look at it
    credit: int,  # noqa: ARG001 - limits on price look at it
    *,
    rules: Rules,
    asker: Asker,  # noqa: ARG001 - allowances by role look at them
    where: Where,  # noqa: ARG001 - a channel's own rules look at it
) -> list[RefusedError]:
    """Every reason why this order may not be taken here, the most telling first; empty when it may."""
    found = list[RefusedError]()
    if order.private and not rules.private:
        found.append(PrivateForbiddenError())
    return found
