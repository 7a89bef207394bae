"""A job as the adapters for Discord get it."""

from pathlib import Path

from bot.adapters.catalogue_file import load_catalogue
from bot.domain.job import Job, Picture, Reply, State
from bot.domain.order import Choices, Order
from bot.settings import MODELS_FILE
from tests.loopback.discord_seed import APPLICATION_ID, CHANNEL_ID, GUILD_ID, MEMBER_ID

CATALOGUE = load_catalogue(MODELS_FILE)
NOW = 1000.0


def a_job(*images: Path) -> Job:
    """Ordered and rendered now; its pictures are these files."""
    order = Order(
        scope=f"guild:{GUILD_ID}",
        guild_id=GUILD_ID,
        channel_id=CHANNEL_ID,
        member_id=MEMBER_ID,
        prompt="a fox",
        model="nano-banana-2",
        choices=Choices(),
    )
    return Job(
        id="0123456789abcdef",
        state=State.RENDERED,
        order=order,
        request=CATALOGUE.request(order, max_tolerance=6, seed=1),
        credits=8,
        created_at=NOW,
        reply=Reply(application_id=APPLICATION_ID, token="a-token", created_at=NOW, message_id=77),
        pictures=tuple(map(_picture, images)),
    )


def _picture(path: Path) -> Picture:
    return Picture(
        url="https://fal.invalid/1.png",
        filename=path.name,
        content_type="image/png",
        width=8,
        height=8,
        size=path.stat().st_size,
    )
