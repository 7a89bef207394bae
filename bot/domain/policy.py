"""What a server's rules say to an order: nothing, or every reason why not. Used by every door."""

from bot.domain.asking import Asker, Where
from bot.domain.errors import OnlyOwnPicturesError, PrivateForbiddenError, RefusedError
from bot.domain.order import Order, Request
from bot.domain.rules import Editable, Rules


def objections(
    order: Order,
    request: Request,  # noqa: ARG001 - limits on size and count look at it
    credit: int,  # noqa: ARG001 - limits on price look at it
    *,
    rules: Rules,
    asker: Asker,
    where: Where,  # noqa: ARG001 - a channel's own rules look at it
) -> list[RefusedError]:
    """Every reason why this order may not be taken here, the most telling first; empty when it may."""
    found = list[RefusedError]()
    if order.private and not rules.private:
        found.append(PrivateForbiddenError())
    if rules.editable is Editable.OWN and authors_asked(order, asker):
        found.append(OnlyOwnPicturesError())
    return found


def authors_asked(order: Order, asker: Asker) -> frozenset[int]:
    """Members other than the asker whose pictures the order uses; the bot's own images belong to nobody."""
    authors = (one.origin.author_id for one in order.references if one.origin is not None and one.made is None)
    return frozenset(author for author in authors if author is not None and author != asker.member_id)
