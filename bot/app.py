"""The composition root: which adapter stands behind which port. Nothing else knows."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from discord.ext import commands

from bot import texts
from bot.adapters.charts import Charts
from bot.adapters.discord_budget import Budget, govern
from bot.adapters.discord_copies import Copies
from bot.adapters.discord_delivery import Delivery
from bot.adapters.discord_files import Packer
from bot.adapters.discord_operator import Operator
from bot.adapters.discord_posts import Posts
from bot.adapters.discord_stage import DiscordStage
from bot.adapters.downloads import Downloads
from bot.adapters.fal_watch import Sleep
from bot.adapters.intake import Fetcher, Intake
from bot.adapters.pictures import PictureLimits
from bot.adapters.sqlite_rules import SqliteRules
from bot.adapters.sqlite_servers import SqliteServers
from bot.adapters.sqlite_store import SqliteStore
from bot.adapters.sqlite_tree import SqliteTree
from bot.client import BotClient
from bot.domain.catalogue import Catalogue
from bot.domain.ledger import Limits
from bot.service.alerts import Alerts
from bot.service.baskets import Baskets
from bot.service.desk import Desk, House
from bot.service.drafts import Drafts
from bot.service.fleeting import Fleeting
from bot.service.gallery import DAY, Gallery
from bot.service.offers import Offers
from bot.service.points import Point, nothing
from bot.service.ports import Clock
from bot.service.privacy import Privacy, Retention
from bot.service.purse import Purse, PurseRules
from bot.service.recent import Recent
from bot.service.reports import Reports
from bot.service.run import Parts
from bot.service.studio import Studio
from bot.settings import Settings
from bot.tools import Tools, World, new_id, new_seed, open_tools
from cogs.blending import Blending
from cogs.deletions import Deletions
from cogs.doors import Doors
from cogs.editing import Editing
from cogs.finding import found_images
from cogs.guide import Guide
from cogs.history import HistoryPages
from cogs.imagine import Imagine
from cogs.mydata import MyData
from cogs.offers import OfferButtons
from cogs.operator import OperatorCommands
from cogs.prefer import Prefer
from cogs.replies import Replies
from cogs.results import Results
from cogs.tree import Tree
from cogs.upscaling import Upscaling
from cogs.usage import UsageReports


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The bot, put together."""

    settings: Settings
    client: BotClient
    studio: Studio
    desk: Desk
    offers: Offers
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
        yield app


def _wired(tools: Tools) -> App:
    settings, world = tools.settings, tools.world
    client = BotClient(
        tools.store,
        tools.servers,
        world.clock,
        message_content=settings.discord.message_content,
        home_server=settings.operator.home_server,
        user_install=settings.discord.user_install,
    )
    packer, alerts = Packer(tools.worker), Alerts()
    purse = _purse(tools, alerts)
    app = App(
        settings=settings,
        client=client,
        studio=Studio(_parts(tools, client, packer, alerts)),
        desk=_desk(tools, purse),
        servers=tools.servers,
        purse=purse,
        reports=Reports(tools.usage, Charts(), tools.catalogue, world.clock, texts.usage_words),
        privacy=_privacy(tools),
        offers=tools.offers,
        drafts=Drafts(tools.drafts, world.clock, new_id),
        baskets=Baskets(tools.baskets, tools.catalogue, world.clock),
        fleeting=Fleeting(world.sleep),
        clock=world.clock,
        gallery=_gallery(tools, packer),
        copies=Copies(client, packer, tools.catalogue, tools.jobs_dir),
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


def _cogs(app: App) -> tuple[commands.Cog, ...]:
    return (
        Imagine(app.desk, app.studio),
        Results(app.desk, app.studio, app.gallery),
        Editing(app.client, app.desk, app.studio, app.drafts, app.baskets),
        Blending(app.client, app.desk, app.studio, app.drafts, app.baskets),
        Upscaling(app.desk, app.studio, app.offers),
        Tree(app.client, app.studio, app.gallery, app.copies, app.recent, app.tree, app.clock),
        Guide(app.desk, keep_days=app.settings.results.keep_days),
        Prefer(app.desk),
        HistoryPages(app.desk, app.studio, app.gallery, app.copies, app.recent),
        OfferButtons(app.desk, app.studio, app.offers),
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
        Deletions(app.tree, app.clock),
        Doors(app.client),
    )


def _desk(tools: Tools, purse: Purse) -> Desk:
    return Desk(
        catalogue=tools.catalogue,
        store=tools.store,
        rules=tools.rules,
        purse=purse,
        refusals=tools.usage,
        words=tools.book,
        offers=tools.offers,
        house=house(tools.settings),
        keepers=tools.tree,
        preferences=tools.preferences,
        history=tools.history,
        clock=tools.world.clock,
        new_id=new_id,
        new_seed=new_seed,
        reached=tools.world.reached,
    )


def _purse(tools: Tools, alerts: Alerts) -> Purse:
    quota, operator = tools.settings.quota, tools.settings.operator
    rules = PurseRules(
        monthly=quota.total_monthly_credits,
        server_monthly=quota.server_monthly_credits,
        allow_list=operator.allow_list,
    )
    return Purse(tools.servers, tools.usage, rules, alerts, tools.world.clock)


def _privacy(tools: Tools) -> Privacy:
    keep = tools.settings.retention
    retention = Retention(prompts=keep.prompts, counts=keep.counts, left_servers=keep.left_servers)
    return Privacy(tools.erasure, tools.servers, retention, tools.jobs_dir, tools.world.clock, texts.recipe_line)


def _gallery(tools: Tools, packer: Packer) -> Gallery:
    results = tools.settings.results
    return Gallery(
        packer,
        tools.store,
        tools.jobs_dir,
        keep_days=results.keep_days,
        max_gib=results.max_gib,
        clock=tools.world.clock,
    )


def _parts(tools: Tools, client: BotClient, packer: Packer, alerts: Alerts) -> Parts:
    fal = tools.settings.fal
    delivery = Delivery(client, packer, tools.catalogue, alerts, tools.world.clock, tools.world.sleep)
    govern(client, budget := Budget())
    return Parts(
        backend=tools.fal,
        store=tools.store,
        timings=tools.timings,
        intake=Intake(tools.files, tools.worker, PictureLimits(), tools.world.sleep, Posts(client, found_images)),
        stage=DiscordStage(client, delivery, budget, tools.catalogue, tools.world.clock, tools.world.sleep),
        catalogue=tools.catalogue,
        alerts=alerts,
        clock=tools.world.clock,
        sleep=tools.world.sleep,
        new_seed=new_seed,
        jobs_dir=tools.jobs_dir,
        max_concurrent=fal.max_concurrent,
        weights=fal.weights,
        max_wait=fal.max_wait * 3600,
        find_lost=fal.find_lost * 60,
        keep_outputs=fal.keep_outputs * DAY,
        operator_month=tools.settings.quota.total_monthly_credits,
        reached=tools.world.reached,
    )


def house(settings: Settings) -> House:
    """The operator's rules."""
    return House(
        limits=limits(settings),
        max_tolerance=settings.safety.max_tolerance,
        person_day=settings.quota.person_daily_credits,
        person_jobs=settings.quota.person_jobs,
    )


def limits(settings: Settings) -> Limits:
    """The operator's limits."""
    return Limits(
        member_day=settings.quota.member_daily_credits,
        server_day=settings.quota.server_daily_credits,
        operator_month=settings.quota.total_monthly_credits,
        member_jobs=settings.quota.member_jobs,
        server_jobs=settings.quota.server_jobs,
    )
