"""`python -m bot sandbox`: which of the two ways to try the bot."""

import asyncio
from argparse import Namespace

from bot.domain.errors import StartError
from bot.settings import Start, load_settings


def sandbox(chosen: Namespace) -> int:
    """Run the page, or one order; returns the exit code."""
    try:
        from bot.sandbox.once import once  # noqa: PLC0415 - simcord may not be installed
    except ModuleNotFoundError as error:
        if error.name != "simcord":
            raise
        raise StartError("the sandbox needs its extra: pip install -e '.[sandbox]'") from None
    for path in chosen.edit:
        if not path.is_file():
            raise StartError(f"there is no file {path}")
    if chosen.then and chosen.once is None:
        raise StartError("--then replies to what --once made; give --once, too")
    settings = load_settings(Start().bot_settings)
    if chosen.once is not None:
        return asyncio.run(once(settings, chosen))
    from bot.sandbox.page import serve  # noqa: PLC0415 - the browser page is not needed for one order

    return asyncio.run(serve(settings, chosen))
