"""The one place of the sandbox's pages that touches private names of simcord: previews that follow their channels.

simcord's preview shows what it last published, and publishes only when somebody acts in it; our bot works on after
the answer to a command. So the page publishes whenever something happened in the simulated Discord:

- `ACTION_SPECS` (simcord.preview._actions): an action is refused when anything was published since the page was drawn.
  While the bot works that would refuse people's clicks at random, so no action is bound to what was drawn. Each is
  still checked against the messages, buttons and permissions of that moment.
- `_publish_message_pages` publishes without awaiting. The public `refresh()` waits for the bot's work to settle, and
  refuses the actions of people meanwhile.
- `_advance_presentation_time` is what times such as "in 3 seconds" are counted from; `refresh()` alone would move it.
- `_pages`, `_initial_target` and a page's `target_id`: a page scrolls to its target. The bot's newest message becomes
  it, once; else people would have to look for their images below.
- `_media_worker` and `_MAX_MEDIA_BYTES`: the page refuses pictures over 10 MiB or 16 megapixels, and all beyond
  128 MiB. So it gets smaller copies of large pictures, as Discord's clients do; the files themselves stay as they are.
- `_explicit_assets` and `CDN_BASE` (simcord.preview._pages): a message of the page shows its own uploads alone. A
  basket shows those of other messages, as Discord does for every address.
- `_control_key` and `_component_key` (of the projection and of the plans): the browser remembers what was chosen in a
  select by the select's place in the message, so an edited message would show it in another. Discord goes by the
  custom_id, and so do we.
- `_publish`, and a page's `viewer`, `modal` and `modal_handle`: simcord's page has no menus of messages. What a menu opens
  is put where an action of the page itself would have put it; the public `show` reaches no page of a browser.
- `env._preview`: simcord lets an Env have one preview, and remembers it there to tell it of messages that somebody
  posts in it. Each of ours is remembered while it begins and while somebody acts in it.
- `_action`: an action while another preview is acting would end as "context unavailable". It waits for its turn.
- `env.backend.transcript` grows with every request and every event: its length tells that something happened.

No private name is needed for one more thing: what the bot refuses, it answers, but simcord lists it as an error and
the page would call the action failed.

tests/e2e/test_simcord_live.py holds these names, tests/e2e/test_sandbox_page.py what they are good for.
"""

import asyncio
import dataclasses
import secrets
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

import discord
import simcord
from discord import app_commands
from discord.ext import commands
from PIL import Image
from simcord import ChannelHandle, Env, InteractionResult, MemberActor, Preview
from simcord.preview import _action_plans, _actions, _component_projection, _pages  # pyright: ignore[reportPrivateUsage] - as said above
from simcord.preview._media import MediaInfo, MediaWorker

from bot.domain.errors import BotError, StartError

PINNED: Final = "3.2.1"
"""The only version these private names were read in."""
LOOK_EVERY: Final = 0.25
"""Seconds; the page itself asks every half second."""
SHOWN_SIDE: Final = 1600
"""Pixels of a picture's longer side in the page, at most."""
SHOWN_BYTES: Final = 2**31
"""Of all pictures in the page: they are in the simulated Discord's memory anyway."""


@asynccontextmanager
async def live_previews(
    env: Env, client: commands.Bot, channels: Sequence[tuple[ChannelHandle, Sequence[MemberActor]]]
) -> AsyncGenerator[list[Preview]]:
    """Channels and who views them in a browser, live, each on a free port of 127.0.0.1.

    Raises StartError for another simcord.
    """
    if simcord.__version__ != PINNED:
        raise StartError(f"the sandbox needs simcord {PINNED}, not {simcord.__version__}: pip install -e '.[sandbox]'")
    _leave_refusals_out(client.tree)
    previews, turn = list[Preview](), asyncio.Lock()
    async with AsyncExitStack() as stack:
        for channel, viewers in channels:
            previews.append(await stack.enter_async_context(_prepared(env, channel, viewers, turn)))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        with _unbound():
            following = [tasks.create_task(_follow(env, one), name="sandbox-page") for one in previews]
            try:
                yield previews
            finally:
                for one in following:
                    one.cancel()


def _prepared(env: Any, channel: ChannelHandle, viewers: Sequence[MemberActor], turn: asyncio.Lock) -> Any:  # noqa: ANN401 - their private names, as said above
    env._preview = None  # noqa: SLF001 - as said above
    preview: Any = env.preview(channel, viewers=viewers, layout="channel")
    preview._media_worker = _Thumbnails()  # noqa: SLF001 - as said above
    preview._explicit_assets = _UploadedFiles(env)  # noqa: SLF001 - as said above
    preview._MAX_MEDIA_BYTES = SHOWN_BYTES  # noqa: SLF001 - as said above
    act = preview._action  # noqa: SLF001 - as said above

    async def in_turn(context_id: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
        async with turn:
            env._preview = preview  # noqa: SLF001 - as said above
            return await act(context_id, body)

    preview._action = in_turn  # noqa: SLF001 - as said above
    return preview


def show_form(preview: Any, actor: MemberActor, result: InteractionResult) -> bool:  # noqa: ANN401 - its private names, as said above
    """Let the pages that view the channel as somebody show a form; False when there is none."""
    pages = [page for page in preview._pages.values() if page.viewer.id == actor.id and page.id != "python"]  # noqa: SLF001 - as said above
    for page in pages:
        page.modal, page.modal_handle = result, f"m_{secrets.token_urlsafe(12)}"
        preview._publish(page)  # noqa: SLF001 - as said above
    return bool(pages)


def _leave_refusals_out(tree: app_commands.CommandTree[Any]) -> None:
    listed = tree.on_error

    @tree.error
    async def on_error(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:  # pyright: ignore[reportUnusedFunction] - registered
        if not isinstance(getattr(error, "original", None), BotError):
            await listed(interaction, error)


@contextmanager
def _unbound() -> Generator[None]:
    free = {kind: dataclasses.replace(spec, revision_bound=False) for kind, spec in _actions.ACTION_SPECS.items()}
    with (
        _replaced(_actions, "ACTION_SPECS", lambda _: MappingProxyType(free)),
        _replaced(_pages, "CDN_BASE", lambda _: "no address begins like this"),
        _replaced(_component_projection, "_control_key", _by_custom_id),
        _replaced(_action_plans, "_component_key", _by_custom_id),
    ):
        yield


@contextmanager
def _replaced(module: Any, name: str, made: Callable[[Any], object]) -> Generator[None]:  # noqa: ANN401 - a module
    found = getattr(module, name)
    setattr(module, name, made(found))
    try:
        yield
    finally:
        setattr(module, name, found)


def _by_custom_id(by_place: Callable[..., str | None]) -> Callable[..., str | None]:
    """The key of a control; the two functions take the component before or after its scope."""

    def key(first: Any, second: Any, third: Any) -> str | None:  # noqa: ANN401 - as said above
        found, custom_id = (
            by_place(first, second, third),
            (second if isinstance(first, str) else first).get("custom_id"),
        )
        if found is None or custom_id is None:
            return found
        return f"{found.partition(':component:')[0]}:component:{custom_id}"

    return key


async def _follow(env: Env, preview: Any) -> None:  # noqa: ANN401 - its private methods, as said above
    shown = newest = 0
    while True:
        preview._advance_presentation_time()  # noqa: SLF001 - as said above
        if (happened := len(env.backend.transcript)) != shown:
            shown = happened
            newest = _scroll(preview, newest)
            preview._publish_message_pages(reason="refresh")  # noqa: SLF001 - as said above
        await asyncio.sleep(LOOK_EVERY)


def _scroll(preview: Any, newest: int) -> int:  # noqa: ANN401 - its private methods, as said above
    """Let every page show what its viewer can see beyond the message `newest`; returns the newest one now."""
    latest = newest
    for page in preview._pages.values():  # noqa: SLF001 - as said above
        target: int = preview._initial_target(page.viewer, page.channel_id) or 0  # noqa: SLF001 - as said above
        if target > newest:
            page.target_id = target
            latest = max(latest, target)
    return latest


class _UploadedFiles(dict[str, tuple[str, bytes]]):
    """Name and bytes by address."""

    def __init__(self, env: Env) -> None:
        super().__init__()
        self._env = env

    def get(self, url: str, default: Any = None, /) -> Any:  # noqa: ANN401 - as dict has it
        """What was uploaded there."""
        data = self._env.backend.cdn.get(url)
        return default if data is None else (url.partition("?")[0].rpartition("/")[2], data)


class _Thumbnails(MediaWorker):
    async def validate(self, key: str, blob: bytes, *, media_time: float | None = None) -> MediaInfo:
        """Look at a copy that is small enough to be shown."""
        return await super().validate(key, await asyncio.to_thread(_thumbnail, blob), media_time=media_time)


def _thumbnail(blob: bytes) -> bytes:
    """The same bytes if the picture is small, or is none; that is said elsewhere."""
    try:
        with Image.open(BytesIO(blob)) as picture:
            if max(picture.size) <= SHOWN_SIDE:
                return blob
            picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
            small = BytesIO()
            picture.save(small, picture.format)  # the browser is told the kind of the whole file
    except OSError:
        return blob
    return small.getvalue()
