"""What the sandbox's page relies on in simcord, private names included, without a browser."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import discord
import pytest
import simcord
from discord import ui
from discord.ext import commands
from PIL import Image
from simcord.preview import _actions  # pyright: ignore[reportPrivateUsage] - the names held here

from bot import views
from bot.domain.errors import StartError
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import parts_of
from bot.sandbox.simcord_live import live_previews
from bot.sandbox.world import World, world
from bot.settings import SETTINGS_FILE, load_settings


class Tab:
    """The page's side of simcord's protocol."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._base, _, capability = url.partition("#")
        self._headers = {"X-Simcord-Capability": capability}
        self.state: Mapping[str, Any] = MappingProxyType({})
        self._acts = 0

    async def open(self) -> None:
        """Begin with what there is."""
        self.state = await self._ask("POST", "pages", {})
        self._headers["X-Simcord-Context"] = self.state["context"]["id"]

    async def look(self) -> str:
        """Everything that the page says now, and nothing but what was published."""
        self.state = await self._ask("GET", "state")
        return str(self.state["messages"])

    async def act(self, kind: str, **body: object) -> Mapping[str, Any]:
        """Do something on what was seen at the last look."""
        self._acts += 1
        return await self._ask(
            "POST",
            "action",
            {
                "kind": kind,
                "protocol_version": 3,
                "request_id": f"{kind} {self._acts}",
                "sequence": self._acts,
                "generation": self.state["context"]["generation"],
                "bot_generation": self.state["botGeneration"],
                "published_revision": self.state["publishedRevision"],
                **body,
            },
        )

    async def click(self, label: str) -> Mapping[str, Any]:
        """Press the one button of that name that was seen at the last look."""
        [(target, key)] = [
            (message, part["control_key"])
            for message, shown in self.state["messages"].items()
            for part in parts_of(shown["components"])
            if part.get("label") == label
        ]
        return await self.act("click", target_id=target, control_key=key)

    async def picture(self, filename: str) -> tuple[int, int]:
        """Load a picture; returns its size as shown."""
        [name] = [name for name, asset in self.state["assets"].items() if asset["filename"] == filename]
        async with self._http.get(f"{self._base}api/assets/{name}", headers=self._headers) as answer:
            assert answer.status == 200
            with Image.open(BytesIO(await answer.read())) as picture:
                return picture.size

    async def _ask(self, method: str, name: str, body: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        url = f"{self._base}api/{name}"
        async with self._http.request(method, url, json=body, headers=self._headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


class Bell(commands.Cog):
    """Controls in the log channel, as cogs post them there: one asks for words, one takes its time."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    @commands.Cog.listener()
    async def on_panel_bell(self, interaction: discord.Interaction, action: str, argument: str, _: list[str]) -> None:
        if action == "wait":
            await self.over.wait()
            await interaction.response.send_message("Rung at last.")
            return
        form = ui.Modal(title="Why", custom_id=views.form_id("bell", argument))
        form.add_item(ui.Label(text="Why", component=ui.TextInput[ui.View](custom_id="why")))
        await interaction.response.send_modal(form)

    @commands.Cog.listener()
    async def on_form_bell(self, interaction: discord.Interaction, form: views.Form) -> None:
        await interaction.response.send_message(f"{interaction.user.name} rang {form.argument}: {form.texts['why']}")


@asynccontextmanager
async def opened(tmp_path: Path, seconds: float = 0.0) -> AsyncGenerator[tuple[World, Tab]]:
    """The bot, and its channel in a tab of ann."""
    async with (
        LoopbackFal(seconds=seconds) as fal,
        world(load_settings(SETTINGS_FILE), tmp_path, fal=fal) as here,
        live_previews(here.env, here.app.client, [(here.channel, [here.member])]) as [preview],
        aiohttp.ClientSession() as http,
    ):
        tab = Tab(http, preview.url)
        await tab.open()
        yield here, tab


@asynccontextmanager
async def both_opened(tmp_path: Path) -> AsyncGenerator[tuple[World, Tab, Tab, Bell]]:
    """The channel in a tab of ann, and the log channel, with a bell in it, in one of mia."""
    bell = Bell()
    async with (
        LoopbackFal() as fal,
        world(load_settings(SETTINGS_FILE), tmp_path, fal=fal) as here,
        live_previews(
            here.env, here.app.client, [(here.channel, [here.member]), (here.log, [here.moderator])]
        ) as previews,
        aiohttp.ClientSession() as http,
    ):
        await here.app.client.add_cog(bell)
        view = views.note("A bell")
        view.add_item(
            views.row(
                views.panel_button("bell", "ask", "twice", label="Ring"),
                views.panel_button("bell", "wait", label="Wait"),
            )
        )
        await here.app.client.get_partial_messageable(here.log.id).send(view=view)
        ann, mia = (Tab(http, preview.url) for preview in previews)
        for tab in (ann, mia):
            await tab.open()
        yield here, ann, mia, bell


async def test_the_page_follows_what_the_bot_does_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as (here, tab):
        await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
        await _until(tab, "1024 × 1024")
        newest = max(here.channel.history(), key=lambda message: message.id)
        assert tab.state["targetId"] == str(newest.id)
        assert tab.state["profile"]["presentationTime"] > newest.created_at.isoformat()


async def test_a_click_counts_though_the_page_was_published_anew_meanwhile(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=30) as (here, tab):
        await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
        await _until(tab, "'label': 'Cancel'")
        seen = tab.state["publishedRevision"]
        await here.other.send(here.channel, "hello")
        await _until(tab, "hello")
        assert tab.state["publishedRevision"] > seen
        tab.state = {**tab.state, "publishedRevision": seen}
        receipt = await tab.click("Cancel")
        assert (receipt["rejected"], receipt["settlement"]) == (False, "settled")
        await _until(tab, "Nothing was charged")


async def test_what_is_posted_in_one_channel_is_seen_at_once_on_its_own_page_alone(tmp_path: Path) -> None:
    async with both_opened(tmp_path) as (here, ann, mia, _):
        await here.app.operator.post(here.log.id, "We are away tonight.")
        await _until(mia, "We are away tonight.")
        await here.other.send(here.channel, "hello")
        await _until(ann, "hello")
        assert "We are away tonight." not in await ann.look()
        assert "hello" not in await mia.look()


async def test_a_button_and_its_form_work_on_the_second_page_as_its_viewer(tmp_path: Path) -> None:
    async with both_opened(tmp_path) as (_, ann, mia, _):
        await mia.look()
        await mia.click("Ring")
        await mia.look()
        form = mia.state["modal"]["handle"]
        receipt = await mia.act("modal_submit", modal_handle=form, values={"why": "because"})
        assert (receipt["rejected"], receipt["settlement"]) == (False, "settled")
        await _until(mia, "mia rang twice: because")
        assert "because" not in await ann.look()


async def test_who_acts_on_one_page_while_the_other_is_acting_waits_for_their_turn(tmp_path: Path) -> None:
    async with both_opened(tmp_path) as (_, ann, mia, bell), asyncio.TaskGroup() as tasks:
        await mia.look()
        await ann.look()
        first = tasks.create_task(mia.click("Wait"))
        await asyncio.sleep(0.1)
        second = tasks.create_task(ann.act("send_message", content="hello"))
        await asyncio.sleep(0.1)
        bell.over.set()
        assert [(await one)["settlement"] for one in (first, second)] == ["settled", "settled"]
        await _until(mia, "Rung at last.")
        await _until(ann, "hello")


async def test_each_page_knows_that_its_own_message_went_out(tmp_path: Path) -> None:
    async with both_opened(tmp_path) as (_, ann, mia, _):
        for tab in (ann, mia, ann):
            await tab.look()
            assert (await tab.act("send_message", content="hello"))["dispatch"] == "dispatched"


async def test_a_control_of_an_edited_message_is_known_by_its_custom_id_and_not_by_its_place(tmp_path: Path) -> None:
    def keys(tab: Tab) -> dict[str, str]:
        controls = [part for shown in tab.state["messages"].values() for part in parts_of(shown["components"])]
        return {part["label"]: part["control_key"] for part in controls if part.get("label")}

    async with both_opened(tmp_path) as (here, _, mia, _):
        await mia.look()
        before, [message] = keys(mia), here.log.history()
        view = views.note("A bell")
        view.add_item(views.row(views.panel_button("bell", "other", label="Other")))
        view.add_item(views.row(views.panel_button("bell", "ask", "twice", label="Ring")))
        channel = here.app.client.get_partial_messageable(here.log.id)
        await channel.get_partial_message(message.id).edit(view=view)
        await _until(mia, "Other")
        assert keys(mia)["Ring"] == before["Ring"]
        assert keys(mia)["Other"] not in before.values()
        assert (await mia.click("Ring"))["settlement"] == "settled"


async def test_the_log_channel_is_shown_to_no_member(tmp_path: Path) -> None:
    async with LoopbackFal() as fal, world(load_settings(SETTINGS_FILE), tmp_path, fal=fal) as here:
        for nobody in (here.member, here.other):
            with pytest.raises(simcord.SetupError, match="lacks channel"):
                async with live_previews(here.env, here.app.client, [(here.log, [nobody])]):
                    pass


async def test_a_refusal_is_no_failure_of_the_page(tmp_path: Path) -> None:
    async with opened(tmp_path) as (here, _):
        answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse", model="no such model")
        assert answer.response is not None
        assert answer.response.ephemeral
        assert here.env.errors == []


async def test_a_picture_too_large_for_the_page_is_shown_smaller(tmp_path: Path) -> None:
    file = BytesIO()
    Image.new("RGB", (6000, 3000)).save(file, "PNG")
    async with opened(tmp_path) as (here, tab):
        await here.member.send(here.channel, "look", attachments=[("large.png", file.getvalue())])
        await _until(tab, "look")
        assert await tab.picture("large.png") == (1600, 800)


async def test_simcord_is_left_as_it_was_found(tmp_path: Path) -> None:
    before = _actions.ACTION_SPECS
    async with opened(tmp_path):
        assert not any(spec.revision_bound for spec in _actions.ACTION_SPECS.values())
    assert _actions.ACTION_SPECS is before


async def test_another_simcord_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simcord, "__version__", "3.3.0")
    with pytest.raises(StartError, match=r"needs simcord 3\.2\.1, not 3\.3\.0"):
        async with opened(tmp_path):
            pass


async def _until(tab: Tab, words: str) -> None:
    async with asyncio.timeout(10):
        while words not in await tab.look():  # noqa: ASYNC110 - the page is asked again and again, as browsers do
            await asyncio.sleep(0.05)
