"""A small page beside the sandbox's own: posting a picture and the menus of a message, which simcord's page lacks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from typing import Final

import discord
import simcord
from aiohttp import web
from yarl import URL

from bot import texts
from bot.sandbox.once import image_urls, text_of
from bot.sandbox.world import World

MOST_BYTES: Final = 60 * 1024 * 1024
"""Of one form: ten files of simcord's own size, and some."""
SHOWN: Final = 8
"""Messages with a menu, the newest first."""
MENUS: Final = (texts.EDIT_IMAGE, texts.ADD_TO_BLEND)
PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox: pictures and menus</title>
<style>
body {{ font: 16px/1.4 sans-serif; margin: 0 auto; max-width: 40rem; padding: 1rem; background: #1e1f22; color: #f2f3f5 }}
form, article {{ background: #2b2d31; border-radius: 8px; padding: .75rem; margin: .75rem 0 }}
label {{ display: block; margin-bottom: .6rem }}
input, select {{ font: inherit; display: block; width: 100%; box-sizing: border-box; margin-top: .2rem }}
button {{ font: inherit; padding: .5rem .9rem; margin: .3rem .4rem 0 0 }}
p {{ margin: 0 0 .5rem; overflow-wrap: anywhere }}
a {{ color: #8ab4ff }}
</style>
</head>
<body>
<h1>Pictures and menus</h1>
<p>What the page of the channel lacks. <a href="/" target="channel">Open the channel</a> in another tab: forms and
answers appear there, for the person you view it as.</p>
<p role="status"><strong>{said}</strong></p>
<form method="post" action="/hands/post" enctype="multipart/form-data">
<h2>Post pictures</h2>
<label>As <select name="who">{people}</select></label>
<label>Words <input name="words" maxlength="2000"></label>
<label>Pictures <input name="pictures" type="file" multiple required></label>
<button>Post</button>
</form>
<h2>Menus of messages</h2>
{messages}
</body>
</html>
"""
MESSAGE: Final = """\
<article>
<p><strong>{author}</strong>: {text}</p>
<form method="post" action="/hands/menu">
<input type="hidden" name="message" value="{id}">
<label>As <select name="who">{people}</select></label>
{buttons}
</form>
</article>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a person at the small page can do."""

    here: World
    show_form: Callable[[simcord.MemberActor, simcord.InteractionResult], bool]
    """Let somebody's page show a form; False when nobody views it as them."""

    @property
    def people(self) -> dict[str, simcord.MemberActor]:
        """By name."""
        return {one.name: one for one in (self.here.member, self.here.other, self.here.moderator)}

    async def post(self, who: str, words: str, files: list[tuple[str, bytes]]) -> str:
        """Post a message with pictures."""
        await self.people[who].send(self.here.channel, words, attachments=files)
        return f"Posted as {who}."

    async def menu(self, who: str, name: str, message_id: int) -> str:
        """Choose an entry of a message's menu."""
        actor = self.people[who]
        message = next((one for one in self.here.channel.history() if one.id == message_id), None)
        if message is None:
            return "That message is gone."
        result = await actor.context_menu(self.here.channel, name, message)
        if result.modal is not None and not self.show_form(actor, result):
            return f"Open the channel, view it as {who}, and choose this again."
        return f"{name}: see the channel, as {who}."


def add_routes(app: web.Application, hands: Callable[[], Awaitable[Hands]]) -> None:
    """The page at /hands, and its two forms."""

    async def show(request: web.Request) -> web.Response:
        page = _page(await hands(), request.query.get("said", ""))
        return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def post(request: web.Request) -> web.Response:
        _check_own(request)
        form, files = await request.post(), list[tuple[str, bytes]]()
        for one in form.getall("pictures", []):
            if isinstance(one, web.FileField) and one.filename:
                files.append((one.filename, one.file.read()))
        acting = await hands()
        return _back(await acting.post(_who(acting, form.get("who")), str(form.get("words", "")), files))

    async def menu(request: web.Request) -> web.Response:
        _check_own(request)
        form, acting = await request.post(), await hands()
        name, message = str(form.get("menu")), str(form.get("message"))
        if name not in MENUS or not message.isdecimal():
            raise web.HTTPBadRequest
        return _back(await acting.menu(_who(acting, form.get("who")), name, int(message)))

    app.router.add_get("/hands", show)
    app.router.add_post("/hands/post", post)
    app.router.add_post("/hands/menu", menu)


def _check_own(request: web.Request) -> None:
    """Other pages in the same browser must not act here."""
    if request.headers.get("Origin") not in {None, f"http://{request.host}"}:
        raise web.HTTPForbidden


def _who(acting: Hands, given: object) -> str:
    if given not in acting.people:
        raise web.HTTPBadRequest
    return str(given)


def _back(said: str) -> web.Response:
    return web.Response(status=303, headers={"Location": str(URL("/hands").with_query(said=said))})


def _page(acting: Hands, said: str) -> str:
    people = "".join(f"<option>{escape(name)}</option>" for name in acting.people)
    found = [one for one in reversed(acting.here.channel.history()) if image_urls(one) or one.attachments][:SHOWN]
    messages = "".join(_message(one, people) for one in found) or "<p>No message shows a picture yet.</p>"
    return PAGE.format(said=escape(said), people=people, messages=messages)


def _message(message: discord.Message, people: str) -> str:
    names = ", ".join(one.filename for one in message.attachments)
    return MESSAGE.format(
        id=message.id,
        author=escape(message.author.name),
        text=escape(f"{text_of(message)[:160]} {names}"),
        people=people,
        buttons="".join(f'<button name="menu" value="{name}">{name}</button>' for name in MENUS),
    )
