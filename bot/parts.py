"""The parts of the service, each made from the tools and the settings."""

from bot import views
from bot.adapters.discord_budget import Budget, govern
from bot.adapters.discord_delivery import Delivery
from bot.adapters.discord_files import Packer
from bot.adapters.discord_news import DirectNews
from bot.adapters.discord_posts import Posts
from bot.adapters.discord_questions import Questions
from bot.adapters.discord_stage import DiscordStage
from bot.adapters.intake import Intake
from bot.adapters.pictures import PictureLimits
from bot.client import BotClient
from bot.domain.ledger import DAY, Limits
from bot.domain.policy import House
from bot.service.alerts import Alerts
from bot.service.desk import Desk
from bot.service.gallery import Gallery
from bot.service.people import People
from bot.service.privacy import Privacy, Retention
from bot.service.purse import OpenOrders, Purse, PurseRules
from bot.service.run import Parts
from bot.settings import Settings
from bot.tools import Tools, new_id, new_seed
from cogs.finding import found_images


def make_desk(tools: Tools, purse: Purse, people: People, questions: Questions) -> Desk:
    return Desk(
        catalogue=tools.catalogue,
        store=tools.store,
        rules=tools.rules,
        purse=purse,
        refusals=tools.usage,
        words=tools.book,
        offers=tools.offers,
        people=people,
        house=house(tools.settings),
        can_ask=questions.can_ask,
        keepers=tools.tree,
        preferences=tools.preferences,
        history=tools.history,
        clock=tools.world.clock,
        new_id=new_id,
        new_seed=new_seed,
        note=tools.journal.put,
        reached=tools.world.reached,
    )


def make_people(tools: Tools, client: BotClient) -> People:
    return People(tools.people, tools.rules, DirectNews(client), tools.world.clock, tools.journal.put)


def make_purse(tools: Tools, orders: OpenOrders, alerts: Alerts) -> Purse:
    quota, operator = tools.settings.quota, tools.settings.operator
    rules = PurseRules(
        monthly=quota.total_monthly_credits,
        server_monthly=quota.server_monthly_credits,
        allow_list=operator.allow_list,
    )
    return Purse(tools.servers, tools.usage, rules, orders, alerts, tools.world.clock)


def make_privacy(tools: Tools) -> Privacy:
    keep = tools.settings.retention
    retention = Retention(prompts=keep.prompts, counts=keep.counts, left_servers=keep.left_servers)
    return Privacy(tools.erasure, tools.servers, retention, tools.jobs_dir, tools.world.clock, views.command)


def make_gallery(tools: Tools, packer: Packer) -> Gallery:
    results = tools.settings.results
    return Gallery(
        packer,
        tools.store,
        tools.jobs_dir,
        keep_days=results.keep_days,
        max_gib=results.max_gib,
        clock=tools.world.clock,
    )


def make_parts(tools: Tools, client: BotClient, packer: Packer, alerts: Alerts) -> Parts:
    fal = tools.settings.fal
    clock, sleep = tools.world.clock, tools.world.sleep
    delivery = Delivery(client, packer, tools.catalogue, alerts, clock, sleep, tools.store.mark_posted_in)
    govern(client, budget := Budget())
    return Parts(
        backend=tools.fal,
        store=tools.store,
        timings=tools.timings,
        intake=Intake(
            tools.files, tools.worker, PictureLimits(), tools.world.sleep, Posts(client, found_images), packer.fresh
        ),
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
        note=tools.journal.put,
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
