"""The arguments of the command line's larger commands."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

OPERATOR = ("server", "servers", "notice", "prices", "invite")
"""The operator's commands; `bot.operating` runs them."""


def operator_commands(commands: Any) -> None:  # noqa: ANN401 - argparse names no type for it
    """The operator's part of the command line."""
    server: ArgumentParser = commands.add_parser("server", help="a server's cap, or whether it may use the bot")
    server.add_argument("id", type=_id, metavar="ID", help="the server's Discord id")
    server.add_argument("--monthly", type=_cap, metavar="N", help="credits a month, or `default`")
    for flag, about in (
        ("suspend", "take no orders there"),
        ("resume", "take orders there again"),
        ("allow", "put it on the allow list"),
        ("disallow", "take it off the allow list"),
        ("leave", "have the bot leave it"),
    ):
        server.add_argument(f"--{flag}", action="store_true", help=about)
    commands.add_parser("servers", help="every server with what it used this month")
    notice: ArgumentParser = commands.add_parser("notice", help="say something in the log channels of all servers")
    notice.add_argument("words", help="up to 1,800 characters")
    prices: ArgumentParser = commands.add_parser("prices", help="the price table; with --check against fal's own")
    prices.add_argument("--check", action="store_true", help="ask fal; exit code 1 when a price differs")
    commands.add_parser("invite", help="the address that adds the bot to a server, with the least permissions")


def sandbox_options(parser: ArgumentParser) -> None:
    """What the sandbox can be told."""
    parser.add_argument("--port", type=int, default=8090, help="of the page (default 8090)")
    parser.add_argument("--once", metavar="PROMPT", help="no page: order this, show what the channel showed, end")
    then = "after --once: reply this to the result; may be given again"
    parser.add_argument("--then", action="append", default=[], metavar="PROMPT", help=then)
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where --once saves the images")
    parser.add_argument("--edit", type=Path, action="append", default=[], metavar="FILE", help="a picture to edit")
    parser.add_argument("--seconds", type=float, default=None, help="how long a generation takes")
    for option in ("model", "aspect_ratio", "resolution", "format", "thinking"):
        parser.add_argument(f"--{option.replace('_', '-')}", dest=option)
    for option in ("images", "seed", "safety"):
        parser.add_argument(f"--{option}", type=int)
    parser.add_argument("--web-search", dest="web_search", action="store_true", default=None)


def _id(typed: str) -> int:
    if not typed.isdecimal() or not 0 < int(typed) < 2**63:
        raise ArgumentTypeError("a server's id is a number, as Discord's developer mode copies it")
    return int(typed)


def _cap(typed: str) -> int:
    """-1 for `default`."""
    if typed == "default":
        return -1
    if not typed.isdecimal() or int(typed) > 100_000_000:  # noqa: PLR2004 - as the settings have it
        raise ArgumentTypeError("credits a month are a number from 0 to 100,000,000, or `default`")
    return int(typed)
