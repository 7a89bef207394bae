"""The bot's routes for its login, its commands, people and guilds."""

from collections.abc import Callable

from aiohttp import web

from tests.loopback.discord_bodies import read_body
from tests.loopback.discord_door import Handler, Route
from tests.loopback.discord_errors import DiscordError, json_response
from tests.loopback.discord_state import Guild, Json, World
from tests.loopback.discord_wire import (
    channel_payload,
    guild_payload,
    member_payload,
    role_payload,
    user_payload,
)

CONFIGURED_INSTALLS = [0, 1]  # guild and user: what the portal allows and so a command's default


class BotRoutes:
    def __init__(
        self,
        world: World,
        *,
        request_limit: int,
        gateway_url: Callable[[], str],
        leave: Callable[[Guild], None],
    ) -> None:
        self.world = world
        self.request_limit = request_limit
        self._gateway_url = gateway_url
        self._leave = leave

    def routes(self) -> list[Route]:
        commands = "/applications/{application_id}/commands"
        guild_commands = "/applications/{application_id}/guilds/{guild_id}/commands"
        table: list[tuple[str, str, str, Handler]] = [
            ("current_user", "GET", "/users/@me", self.current_user),
            ("application", "GET", "/oauth2/applications/@me", self.application),
            ("application", "GET", "/applications/@me", self.application),
            ("gateway_bot", "GET", "/gateway/bot", self.gateway_bot),
            ("put_commands", "PUT", commands, self.put_commands),
            ("get_commands", "GET", commands, self.get_commands),
            ("put_commands", "PUT", guild_commands, self.put_commands),
            ("get_commands", "GET", guild_commands, self.get_commands),
            ("get_user", "GET", "/users/{user_id}", self.get_user),
            ("get_guild", "GET", "/guilds/{guild_id}", self.get_guild),
            ("leave_guild", "DELETE", "/users/@me/guilds/{guild_id}", self.leave_guild),
            ("get_roles", "GET", "/guilds/{guild_id}/roles", self.get_roles),
            ("get_channels", "GET", "/guilds/{guild_id}/channels", self.get_channels),
            ("get_member", "GET", "/guilds/{guild_id}/members/{user_id}", self.get_member),
        ]
        known = [Route(kind=kind, method=verb, path=path, handler=handler) for kind, verb, path, handler in table]
        return [Route(kind="gateway", method="GET", path="/gateway", handler=self.gateway, needs_token=False), *known]

    # -- login ---------------------------------------------------------------------------------------------------

    async def current_user(self, _request: web.Request) -> web.Response:
        account: Json = {"verified": True, "mfa_enabled": False, "email": None, "locale": "en-US"}
        return json_response(user_payload(self.world.bot) | account)

    async def application(self, _request: web.Request) -> web.Response:
        bot, flags = self.world.bot, self.world.application_flags
        owner = next(person for person in self.world.people.values() if not person.bot)
        answer: Json = {
            "id": str(bot.id),
            "name": bot.name,
            "icon": None,
            "description": "",
            "type": None,
            "bot": user_payload(bot),
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": flags,
            "flags_new": str(flags),
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "owner": user_payload(owner),
            "approximate_guild_count": len(self.world.guilds),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "eligible_oauth2_scopes": [],
            "team": None,
            "tags": [],
            "integration_types_config": {str(kind): {} for kind in CONFIGURED_INSTALLS},
        }
        return json_response(answer)

    async def gateway(self, _request: web.Request) -> web.Response:
        return json_response({"url": self._gateway_url()})

    async def gateway_bot(self, _request: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
        return json_response({"url": self._gateway_url(), "shards": 1, "session_start_limit": limit})

    async def put_commands(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit=self.request_limit)
        guild_id: str | None = request.match_info.get("guild_id")
        previous = {(c["type"], c["name"]): c["id"] for c in self._commands(guild_id)}
        stored: list[Json] = []
        for command in body.json["list"]:
            kind = command.get("type", 1)
            identity = previous.get((kind, command["name"])) or str(self.world.clock.snowflake())
            needed = command.get("default_member_permissions")
            stored.append(
                {"description": "", "contexts": None}
                | command
                | {"id": identity, "application_id": str(self.world.bot.id), "version": identity, "type": kind}
                | {"integration_types": command.get("integration_types") or CONFIGURED_INSTALLS}
                | {"default_member_permissions": None if needed is None else str(needed)}
                | ({"guild_id": guild_id} if guild_id else {})
            )
        if guild_id:
            self.world.guild_commands[int(guild_id)] = stored
        else:
            self.world.global_commands = stored
        return json_response(stored)

    async def get_commands(self, request: web.Request) -> web.Response:
        return json_response(self._commands(request.match_info.get("guild_id")))

    def _commands(self, guild_id: str | None) -> list[Json]:
        return self.world.guild_commands.get(int(guild_id), []) if guild_id else self.world.global_commands

    # -- people and guilds ---------------------------------------------------------------------------------------

    async def get_user(self, request: web.Request) -> web.Response:
        person = self.world.people.get(int(request.match_info["user_id"]))
        if person is None:
            raise DiscordError(10013)
        return json_response(user_payload(person))

    async def get_guild(self, request: web.Request) -> web.Response:
        return json_response(guild_payload(self.world, self._guild(request)))

    async def leave_guild(self, request: web.Request) -> web.Response:
        self._leave(self._guild(request))
        return web.Response(status=204)

    async def get_roles(self, request: web.Request) -> web.Response:
        return json_response([role_payload(role) for role in self._guild(request).roles.values()])

    async def get_channels(self, request: web.Request) -> web.Response:
        channels = self.world.guild_channels(self._guild(request))
        return json_response([channel_payload(channel) for channel in channels if channel.parent is None])

    async def get_member(self, request: web.Request) -> web.Response:
        member = self._guild(request).members.get(int(request.match_info["user_id"]))
        if member is None:
            raise DiscordError(10007)
        return json_response(member_payload(member))

    def _guild(self, request: web.Request) -> Guild:
        guild = self.world.guilds.get(int(request.match_info["guild_id"]))
        if guild is None:
            raise DiscordError(10004)
        if self.world.bot.id not in guild.members:
            raise DiscordError(50001)
        return guild
