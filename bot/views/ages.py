"""Who may look where: channels for adults, and those for all ages."""

from typing import Any

from bot.domain.order import Order


def is_restricted(channel: Any) -> bool:  # noqa: ANN401 - every kind of channel; not all have an age restriction
    """Whether a channel is for adults alone; a thread is as its parent."""
    return bool(getattr(channel, "is_nsfw", lambda: False)())


def is_hidden(shown_in: Any, order: Order) -> bool:  # noqa: ANN401 - the same
    """Whether a channel is open to all ages, and that of an order of its server is not, was not, or is not known to be."""
    guild = getattr(shown_in, "guild", None)
    other = guild.get_channel_or_thread(order.channel_id) if guild is not None else None
    return not is_restricted(shown_in) and (order.age_restricted or other is None or is_restricted(other))
