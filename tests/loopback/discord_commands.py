"""What a person's client makes of the registered commands: option types, ranges, who may use what."""

from typing import Any

from tests.loopback.discord_permissions import Permission, in_channel
from tests.loopback.discord_resolved import Resolved
from tests.loopback.discord_state import Attachment, Channel, Json, Person, Role, World

SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
GUILD_CONTEXT, BOT_DM_CONTEXT, PRIVATE_CONTEXT = 0, 1, 2


class NotPossibleError(AssertionError):
    """No person could have done this in a Discord client: the test or the registered commands are wrong."""


def context_of(channel: Channel) -> int:
    return GUILD_CONTEXT if channel.guild else BOT_DM_CONTEXT


def find_command(world: World, person: Person, channel: Channel, kind: int, name: str) -> Json:
    """Return the registered command as this person sees it here; hidden and unknown ones raise NotPossibleError."""
    guild_commands = world.guild_commands.get(channel.guild.id, []) if channel.guild else []
    candidates = [c for c in [*guild_commands, *world.global_commands] if c["type"] == kind and c["name"] == name]
    if not candidates:
        known = sorted({str(c["name"]) for c in [*guild_commands, *world.global_commands] if c["type"] == kind})
        raise NotPossibleError(f"no command {name!r} of type {kind} is registered; there are {known}")
    command = candidates[0]
    _check_context(world, person, channel, command)
    if channel.guild is not None:
        _check_member(person, channel, command, world.clock.now())
    return command


def _check_context(world: World, person: Person, channel: Channel, command: Json) -> None:
    contexts: list[int] | None = command.get("contexts")
    if contexts is not None and context_of(channel) not in contexts:
        raise NotPossibleError(f"/{command['name']} is not offered in context {context_of(channel)}: {contexts}")
    installs: list[int] = command.get("integration_types") or [0]
    installed = ([0] if world.bot_is_in(channel) else []) + ([1] if person.installed_app else [])
    if not set(installs) & set(installed):
        raise NotPossibleError(f"/{command['name']} is not installed here: it supports {installs}, present {installed}")


def _check_member(person: Person, channel: Channel, command: Json, now: float) -> None:
    granted = in_channel(channel, person, now=now)
    if Permission.VIEW_CHANNEL not in granted or Permission.USE_APPLICATION_COMMANDS not in granted:
        raise NotPossibleError(f"{person.name} may not use commands in #{channel.name}")
    needed = command.get("default_member_permissions")
    if needed is not None:
        only_admins = int(needed) == 0 and Permission.ADMINISTRATOR not in granted
        if Permission(int(needed)) & ~granted or only_admins:
            raise NotPossibleError(f"/{command['name']} is hidden from {person.name}: it needs {needed}")
    if command.get("nsfw") and not channel.nsfw:
        raise NotPossibleError(f"/{command['name']} is for age-restricted channels only")


class Options:
    """Turns a person's values into the option tree of the interaction."""

    def __init__(self, resolved: Resolved, *, focus: str | None = None) -> None:
        self.resolved = resolved
        self.focus = focus  # the option being typed, for autocomplete

    def build(self, command: Json, path: list[str], values: dict[str, Any]) -> list[Json]:
        """Path holds the subcommand names after the command's own; values may hold ids, people, roles, attachments."""
        declared: list[Json] = command.get("options") or []
        if path:
            found = next((o for o in declared if o["name"] == path[0] and o["type"] in (SUBCOMMAND, GROUP)), None)
            if found is None:
                raise NotPossibleError(f"no subcommand {path[0]!r}; there are {[o['name'] for o in declared]}")
            return [{"name": path[0], "type": found["type"], "options": self.build(found, path[1:], values)}]
        if any(option["type"] in (SUBCOMMAND, GROUP) for option in declared):
            raise NotPossibleError(f"a subcommand is needed: {[option['name'] for option in declared]}")
        by_name = {str(option["name"]): option for option in declared}
        if unknown := set(values) - set(by_name):
            raise NotPossibleError(f"unknown options {sorted(unknown)}; there are {sorted(by_name)}")
        missing = [name for name, option in by_name.items() if option.get("required") and name not in values]
        if missing and self.focus is None:
            raise NotPossibleError(f"required options left out: {missing}")
        return [self._option(by_name[name], value) for name, value in values.items()]

    def _option(self, option: Json, value: Any) -> Json:  # noqa: ANN401 - whatever the test gives
        entry: Json = {"name": option["name"], "type": option["type"]}
        if option["name"] == self.focus:
            if not option.get("autocomplete"):
                raise NotPossibleError(f"option {option['name']!r} has no autocomplete")
            return entry | {"value": str(value), "focused": True}
        return entry | {"value": self._value(option, value)}

    def _value(self, option: Json, value: Any) -> Any:  # noqa: ANN401 - whatever the test gives
        kind = option["type"]
        if kind == STRING:
            self._expect(option, value, str)
            self._check_length(option, value)
        elif kind in (INTEGER, NUMBER):
            self._expect(option, value, (int,) if kind == INTEGER else (int, float))
            self._check_range(option, value)
        elif kind == BOOLEAN:
            self._expect(option, value, bool)
            return value
        elif kind == ATTACHMENT:
            self._expect(option, value, Attachment)
            return self.resolved.attachment(value)
        else:
            return self._entity(option, value)
        offered: list[Json] = option.get("choices") or []
        choices = [choice["value"] for choice in offered]
        if choices and value not in choices:
            raise NotPossibleError(f"{value!r} is no choice of {option['name']!r}: {choices}")
        return value

    def _entity(self, option: Json, value: Any) -> str:  # noqa: ANN401 - whatever the test gives
        fitting: dict[int, tuple[type, ...]] = {
            USER: (Person,),
            CHANNEL: (Channel,),
            ROLE: (Role,),
            MENTIONABLE: (Person, Role),
        }
        thing = self.resolved.find(value)
        self._expect(option, thing, fitting[option["type"]])
        return self.resolved.entity(thing)

    def _expect(self, option: Json, value: Any, types: type | tuple[type, ...]) -> None:  # noqa: ANN401 - as above
        if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
            raise NotPossibleError(f"option {option['name']!r} takes {types}, not {value!r}")

    def _check_length(self, option: Json, value: str) -> None:
        if not (option.get("min_length") or 0) <= len(value) <= (option.get("max_length") or 6000):
            raise NotPossibleError(f"{len(value)} characters do not fit into {option['name']!r}")

    def _check_range(self, option: Json, value: float) -> None:
        low, high = option.get("min_value"), option.get("max_value")
        if (low is not None and value < low) or (high is not None and value > high):
            raise NotPossibleError(f"{value} is not within {low} to {high} of {option['name']!r}")
