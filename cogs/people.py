"""/block, /unblock, /strike, /who and /allowance: what moderators do about one member.

Who may run them is Discord's business: Manage Messages by default, and whoever admins let in besides.
"""

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts, views
from bot.domain.asking import Asker
from bot.domain.conduct import REASON_LENGTH, Act, Conduct, News
from bot.service.desk import Desk
from bot.service.people import People
from cogs.answering import answer, answer_error
from cogs.asking import roles_of, where_of
from cogs.moderating import in_servers
from cogs.orders import scope_of
from cogs.telling import answer_and_tell

Reason = app_commands.Range[str, 1, REASON_LENGTH]


class PeopleCommands(commands.Cog):
    """Members are named by Discord's own picker, which takes the ids of those who left, too."""

    allowance = in_servers(
        app_commands.Group(
            name="allowance",
            description=texts.PEOPLE_COMMANDS["allowance"],
            default_permissions=discord.Permissions(manage_messages=True),
        )
    )

    def __init__(self, desk: Desk, people: People) -> None:
        self._desk = desk
        self._people = people

    @app_commands.command(description=texts.PEOPLE_COMMANDS["block"])
    @app_commands.describe(**{name: texts.PEOPLE_OPTIONS[name] for name in ("member", "reason", "days")})
    @in_servers
    @app_commands.default_permissions(manage_messages=True)
    async def block(
        self,
        interaction: discord.Interaction,
        member: discord.User,
        reason: Reason = "",
        days: app_commands.Range[int, 1, 3650] | None = None,
    ) -> None:
        """From ordering anything; what is on its way still comes."""
        conduct = await self._people.block(
            scope_of(interaction), member.id, is_bot=member.bot, by=interaction.user.id, days=days, reason=reason
        )
        await self._tell(interaction, member, News(act=Act.BLOCK, conduct=conduct, reason=reason))

    @app_commands.command(description=texts.PEOPLE_COMMANDS["unblock"])
    @app_commands.describe(member=texts.PEOPLE_OPTIONS["member"])
    @in_servers
    @app_commands.default_permissions(manage_messages=True)
    async def unblock(self, interaction: discord.Interaction, member: discord.User) -> None:
        """Strikes go, too."""
        scope = scope_of(interaction)
        ended, said = await self._people.unblock(scope, member.id, by=interaction.user.id), texts.unblocked
        if not ended:
            return await answer(interaction, said(member.id, ended=False))
        news = News(act=Act.UNBLOCK, conduct=Conduct())
        telling = self._people.tell(scope, member.id, news)
        return await answer_and_tell(interaction, said(member.id, ended=True), telling)

    @app_commands.command(description=texts.PEOPLE_COMMANDS["strike"])
    @app_commands.describe(**{name: texts.PEOPLE_OPTIONS[name] for name in ("member", "reason")})
    @in_servers
    @app_commands.default_permissions(manage_messages=True)
    async def strike(self, interaction: discord.Interaction, member: discord.User, reason: Reason = "") -> None:
        """The last one blocks."""
        conduct = await self._people.strike(
            scope_of(interaction), member.id, is_bot=member.bot, by=interaction.user.id, reason=reason
        )
        await self._tell(interaction, member, News(act=Act.STRIKE, conduct=conduct, reason=reason))

    @app_commands.command(description=texts.PEOPLE_COMMANDS["who"])
    @app_commands.describe(member=texts.PEOPLE_OPTIONS["member"])
    @in_servers
    @app_commands.default_permissions(manage_messages=True)
    async def who(self, interaction: discord.Interaction, member: discord.User) -> None:
        """In this channel, with where each value comes from."""
        scope, where = scope_of(interaction), where_of(interaction)
        asker = Asker(member_id=member.id, roles=roles_of(member))
        holds = await self._desk.effective(scope, asker, where)
        conduct = await self._people.conduct(scope, member.id)
        said = [
            _said(member.id, conduct),
            texts.left_of(member.id, await self._desk.standing(scope, asker, where)),
            texts.preview_said(member.id, where.channel_id, holds, self._desk.catalogue),
        ]
        await answer(interaction, "\n\n".join(said))

    @allowance.command(description=texts.PEOPLE_COMMANDS["grant"])
    @app_commands.rename(credit="credits")
    @app_commands.describe(**{name: texts.PEOPLE_OPTIONS[name] for name in ("member", "credit")})
    @app_commands.describe(reason=texts.GRANT_REASON)
    async def grant(
        self,
        interaction: discord.Interaction,
        member: discord.User,
        credit: app_commands.Range[int, 1, 100_000],
        reason: Reason = "",
    ) -> None:
        """On top of the member's own limit; the server's limit stays."""
        conduct = await self._people.grant(
            scope_of(interaction), member.id, credit, by=interaction.user.id, reason=reason
        )
        await answer(interaction, texts.granted(member.id, credit, conduct.granted))

    @allowance.command(description=texts.PEOPLE_COMMANDS["reset"])
    @app_commands.describe(member=texts.PEOPLE_OPTIONS["member"])
    async def reset(self, interaction: discord.Interaction, member: discord.User) -> None:
        """What was spent today does not count for the member any more."""
        credit = await self._people.reset(scope_of(interaction), member.id, by=interaction.user.id)
        await answer(interaction, texts.allowance_reset(member.id, credit))

    async def _tell(self, interaction: discord.Interaction, member: discord.User, news: News) -> None:
        said = _said(member.id, news.conduct, news.reason)
        await answer_and_tell(interaction, said, self._people.tell(scope_of(interaction), member.id, news))

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the moderator gets a sentence."""
        await answer_error(interaction, error)


def _said(member_id: int, conduct: Conduct, reason: str = "") -> str:
    """How a member stands, with the reason of their block, else the given one."""
    return texts.conduct(
        member_id, conduct, views.quiet(conduct.block.reason if conduct.block else reason, REASON_LENGTH)
    )
