"""The log: one line an event, no secrets."""

import logging
import re
import sys

SECRET_PATHS = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/\s?]+")
"""Interaction tokens stand in these addresses."""


class Redacted(logging.Formatter):
    """Whatever is formatted, tracebacks included, leaves without interaction tokens."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, redacted."""
        return SECRET_PATHS.sub(r"\1[hidden]", super().format(record))


def start_logging(level: int = logging.INFO) -> None:
    """To standard error. The libraries stay at INFO or above: below it they write whole requests."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacted("{asctime} {levelname:<7} {name}: {message}", style="{"))
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # it warns of missing voice libraries
    for noisy in ("discord.gateway", "discord.http", "discord.webhook", "httpx", "httpcore", "fal_client", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
