"""An order: what a member asked for, and where to answer."""

from dataclasses import dataclass, fields, replace

PROMPT_LIMIT = 4000
"""Characters. Discord's text inputs and messages of an application hold no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One image that the bot made."""

    job_id: str
    position: int
    """From 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The message that a picture was found in."""

    channel_id: int
    message_id: int
    author_id: int | None
    """Who posted it; None for the bot's own messages, which belong to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A picture of the order, as Discord serves it."""

    url: str
    filename: str
    content_type: str | None
    size: int | None
    """Bytes as declared there; None where Discord declares none."""
    made: Made | None = None
    """Set for an image of the bot's own: it may still be on disk, or at fal."""
    kept: Made | None = None
    """Set where an earlier order used the same picture: its job, and which of its pictures it was."""
    origin: Origin | None = None
    """None for what its member attached to a command or a form."""
    spoiler: bool = False
    """Whether it was posted behind a spoiler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The options a member chose; None where they left it to the model. Values are fal's own words."""

    aspect_ratio: str | None = None
    resolution: str | None = None
    images: int | None = None
    format: str | None = None
    seed: int | None = None
    safety: int | None = None
    web_search: bool | None = None
    thinking: str | None = None

    def made(self) -> dict[str, str | int | bool]:
        """Only what was chosen, by option name."""
        chosen = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a member asked for, and where to answer."""

    scope: str
    """Whose books: `guild:<id>`, or `person:<id>` in direct messages and with an app that a person installed."""
    guild_id: int | None
    channel_id: int
    member_id: int
    prompt: str
    model: str
    choices: Choices = Choices()
    references: tuple[Reference, ...] = ()
    parent: Made | None = None
    """The image that this order changes, in the tree of edits."""
    depth: int = 0
    """Edits from the beginning of the chain: 0 for what changes no image of the bot's."""
    private: bool = False
    """Whether everything is shown to the requester alone."""
    outside: bool = False
    """Whether it was ordered where the bot itself cannot look or post: by an app that a person installed."""
    age_restricted: bool = False
    """Whether it was taken in a channel for adults; the channel may change later, or go."""
    filled: bool = False
    """Whether its member's preferences were filled in already, or are not wanted in it."""
    message_id: int | None = None
    """The member's own message that ordered; None for commands and buttons."""
    caption: str | None = None
    """What people read in place of a prompt that the bot wrote itself."""

    @property
    def is_edit(self) -> bool:
        """Whether pictures go in."""
        return bool(self.references)

    @property
    def spoiler(self) -> bool:
        """Whether its images are shown behind a spoiler, as a picture that goes in was."""
        return any(one.spoiler for one in self.references)

    @property
    def title(self) -> str:
        """What its images are called, in messages and for people who do not see them."""
        return self.caption or self.prompt

    @property
    def parent_message(self) -> Origin | None:
        """Where the image that this order changes was seen."""
        changed = (one.origin for one in self.references if one.made is not None and one.made == self.parent)
        return next(changed, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One fal request: the endpoint and its complete arguments (an edit's `image_urls` come when they are uploaded)."""

    endpoint: str
    arguments: dict[str, str | int | bool | list[str]]
    images: int
    """How many images are asked for."""
    unit_price: str = ""
    """The list price of one billable unit in US dollars when it was ordered, for the audit."""

    def with_pictures(self, urls: list[str]) -> "Request":
        """The same request with its pictures' addresses at fal."""
        return replace(self, arguments={**self.arguments, "image_urls": urls})
