"""What a moderator did about a member's orders, told to that member in a direct message."""

import logging
import secrets

import discord

from bot import texts, views
from bot.adapters.discord_routes import TROUBLES, described
from bot.domain.conduct import REASON_LENGTH, News

_log = logging.getLogger(__name__)


class DirectNews:
    """The Teller port."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def tell(self, guild_id: int, member_id: int, news: News) -> bool:
        """Whether it arrived; closed direct messages are no failure of ours.

        Members of that server alone: nobody shall reach a stranger with words of their own by blocking them.
        """
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return False
        sentence = texts.news(news, views.quiet(guild.name, 100), views.quiet(news.reason, REASON_LENGTH))
        try:
            member = await guild.fetch_member(member_id)
            await member.send(
                view=views.note(sentence), nonce=f"nw-{secrets.token_hex(8)}", allowed_mentions=views.NOBODY
            )
        except TROUBLES as error:
            _log.info("a member of server %d was not told (%s)", guild_id, described(error))
            return False
        return True
