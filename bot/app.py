"""The composition root: which adapter stands behind which port. Nothing else knows."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from discord.ext import commands

from bot import texts
from bot.adapters.charts import Charts
from bot.adapters.discord_copies import Copies
from bot.adapters.discord_files import Packer
from bot.adapters.discord_log import LogChannels
from bot.adapters.discord_operator import Operator
from bot.adapters.discord_questions import Questions
from bot.adapters.downloads import Downloads
from bot.adapters.fresh import Fresh
from bot.adapters.intake import Fetcher
from bot.adapters.sqlite_rules import SqliteRules
from bot.adapters.sqlite_servers import SqliteServers
from bot.adapters.sqlite_store import SqliteStore
from bot.adapters.sqlite_tree import SqliteTree
from bot.client import BotClient
from bot.domain.catalogue import Catalogue
from bot.parts import house, make_desk, make_gallery, make_parts, make_people, make_privacy, make_purse
from bot.service.alerts import Alerts
from bot.service.approvals import Approvals
from bot.service.baskets import Baskets
from bot.service.desk import Desk
from bot.service.drafts import Drafts
from bot.service.fleeting import Fleeting
from bot.service.gallery import Gallery
from bot.service.journal import Journal
from bot.service.offers import Offers
from bot.service.passes import Passes
from bot.service.people import People
from bot.service.points import Point, nothing
from bot.service.ports import Clock, Sleep
from bot.service.privacy import Privacy
from bot.service.purse import Purse
from bot.service.recent import Recent
from bot.service.reports import Reports
from bot.service.ruling import Ruling
from bot.service.studio import Studio
from bot.service.wording import Wording
from bot.settings import Settings
from bot.tools import Tools, World, new_id, open_tools
from cogs.approvals import ApprovalButtons
from cogs.blending import Blending
from cogs.deletions import Deletions
from cogs.doors import Doors
from cogs.editing import Editing
from cogs.guide import Guide
from cogs.history import HistoryPages
from cogs.imagine import Imagine
from cogs.log import Log
from cogs.mydata import MyData
from cogs.offers import OfferButtons
from cogs.operator import OperatorCommands
from cogs.people import PeopleCommands
from cogs.prefer import Prefer
from cogs.replies import Replies
from cogs.results import Results
from cogs.settings import SettingsCommands
from cogs.settings_panel import SettingsPanel
from cogs.tree import Tree
from cogs.upscaling import Upscaling
from cogs.usage import UsageReports


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The bot, put together."""

    settings: Settings
    client: BotClient
    studio: Studio
    approvals: Approvals
    desk: Desk
    offers: Offers
    people: People
    journal: Journal
    log: LogChannels
    ruling: Ruling
    wording: Wording
    passes: Passes
    drafts: Drafts
    baskets: Baskets
    fleeting: Fleeting
    gallery: Gallery
    copies: Copies
    recent: Recent
    store: SqliteStore
    rules: SqliteRules
    servers: SqliteServers
    purse: Purse
    reports: Reports
    privacy: Privacy
    tree: SqliteTree
    catalogue: Catalogue
    alerts: Alerts
    operator: Operator
    clock: Clock


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    fal_key: str,
    secret: str,
    data_dir: Path,
    clock: Clock = time.time,
    sleep: Sleep = asyncio.sleep,
    wrap_downloads: Callable[[Downloads], Fetcher] = lambda downloads: downloads,
    reached: Callable[[Point], None] = nothing,
) -> AsyncGenerator[App]:
    """Everything open and wired, nothing running yet. `secret` seals what is stored. Raises StartError."""
    world = World(clock=clock, sleep=sleep, wrap_downloads=wrap_downloads, reached=reached)
    async with AsyncExitStack() as stack:
        app = _wired(await open_tools(stack, settings, fal_key, secret, data_dir, world))
        await app.studio.take_up()
        await app.purse.follow()
        yield app


def _wired(tools: Tools) -> App:
    settings, world, put = tools.settings, tools.world, tools.journal.put
    client, packer, alerts = _client(tools), Packer(tools.worker, Fresh()), Alerts()
    people, gallery = make_people(tools, client), make_gallery(tools, packer)
    approvals = Approvals(questions := Questions(client, tools.catalogue, world.clock, world.sleep))
    studio = Studio(make_parts(tools, client, packer, alerts), approvals)
    app = App(
        settings=settings,
        client=client,
        studio=studio,
        approvals=approvals,
        desk=make_desk(tools, purse := make_purse(tools, studio.runs, alerts), people, questions),
        servers=tools.servers,
        purse=purse,
        reports=Reports(tools.usage, Charts(), tools.catalogue, world.clock, texts.usage_words),
        privacy=make_privacy(tools),
        offers=tools.offers,
        people=people,
        journal=tools.journal,
        log=LogChannels(client, gallery.thumbnail, world.clock, world.sleep),
        ruling=Ruling(tools.rules, partial(purse.house, house=house(settings)), tools.catalogue, world.clock, put),
        wording=Wording(tools.words, tools.book, world.clock, put),
        passes=tools.passes,
        drafts=Drafts(tools.drafts, world.clock, new_id),
        baskets=Baskets(tools.baskets, tools.catalogue, world.clock),
        fleeting=Fleeting(world.sleep),
        clock=world.clock,
        gallery=gallery,
        copies=Copies(client, packer, tools.catalogue, tools.tree, tools.jobs_dir),
        recent=Recent(world.clock),
        store=tools.store,
        rules=tools.rules,
        tree=tools.tree,
        catalogue=tools.catalogue,
        alerts=alerts,
        operator=Operator(client, settings.operator.channel_id or None, world.clock, world.sleep),
    )
    client.make_cogs = lambda: _cogs(app)
    client.make_home_cogs = lambda: (OperatorCommands(client, purse),)
    return app


def _client(tools: Tools) -> BotClient:
    settings = tools.settings
    return BotClient(
        tools.store,
        tools.servers,
        tools.world.clock,
        message_content=settings.discord.message_content,
        home_server=settings.operator.home_server,
        user_install=settings.discord.user_install,
    )


def _cogs(app: App) -> tuple[commands.Cog, ...]:
    panel = SettingsPanel(app.desk, app.ruling, app.wording, app.passes)
    return (
        Imagine(app.desk, app.studio),
        Results(app.desk, app.studio, app.gallery),
        Editing(app.client, app.desk, app.studio, app.drafts, app.baskets),
        Blending(app.client, app.desk, app.studio, app.drafts, app.baskets),
        Upscaling(app.desk, app.studio, app.offers),
        Tree(app.client, app.studio, app.gallery, app.copies, app.recent, app.tree, app.clock, app.journal.put),
        Log(app.client, app.studio, app.people, app.gallery, app.tree, app.catalogue, app.clock),
        Guide(app.desk, keep_days=app.settings.results.keep_days),
        Prefer(app.desk),
        HistoryPages(app.desk, app.studio, app.gallery, app.copies, app.recent),
        OfferButtons(app.desk, app.studio, app.offers),
        PeopleCommands(app.desk, app.people),
        ApprovalButtons(app.desk, app.studio, app.approvals, app.people),
        panel,
        SettingsCommands(app.ruling, app.wording, app.passes, panel.open),
        UsageReports(app.reports),
        MyData(app.privacy),
        Replies(
            app.client,
            app.desk,
            app.studio,
            app.offers,
            app.fleeting,
            message_content=app.settings.discord.message_content,
        ),
        Deletions(app.tree, app.studio.job, app.clock, app.journal.put),
        Doors(app.client),
    )
