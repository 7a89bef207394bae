"""What the documents say of settings, commands, modules and files is so."""

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from discord.ext import commands
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import cogs
from bot.settings import ROOT, SETTINGS_FILE, Settings, Start

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAP = (ROOT / "bot" / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "bot" / "README.md", *sorted((ROOT / ".github").glob("*.md"))]


def rows(page: str, title: str) -> Iterator[list[str]]:
    """The cells of each row below a title."""
    part = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for line in part.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


# --- settings -------------------------------------------------------------------------------------


def documented() -> dict[str, str]:
    """Name and default of each setting in the README's tables."""
    found = dict[str, str]()
    for name, default, *_ in rows(README, "Settings"):
        names = re.findall(r"`([\w.]+)`", name)
        section = names[0].partition(".")[0] if names else ""
        found |= {f"{section}{one}" if one.startswith(".") else one: default.strip("`") for one in names}
    return found


def in_the_code() -> dict[str, FieldInfo]:
    found = dict[str, FieldInfo]()
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        found |= {f"{section}.{name}": one for name, one in kind.model_fields.items()}
    return found


def in_the_file() -> dict[str, object]:
    content = tomllib.loads(SETTINGS_FILE.read_text(encoding="utf-8"))
    return {f"{section}.{name}": value for section, values in content.items() for name, value in values.items()}


def standard() -> dict[str, object]:
    """Each setting as it is where nobody set it."""
    return {name: one.default for name, one in in_the_code().items()} | in_the_file()


def test_every_setting_has_a_row_and_every_row_is_a_setting() -> None:
    assert documented().keys() == {*standard(), *(name.upper() for name in Start.model_fields), "SSL_CERT_FILE"}


@pytest.mark.parametrize(("name", "value"), standard().items())
def test_the_rows_tell_the_defaults(name: str, value: object) -> None:
    if name.endswith("_url"):
        return  # "fal's", "Discord's"
    said = {None: "", True: "true", False: "false"}.get(value) if isinstance(value, bool | None) else str(value or 0)
    assert documented()[name] == ("" if value == {} else said)


def test_the_file_that_ships_repeats_the_defaults_of_the_code() -> None:
    code = in_the_code()
    for name, value in in_the_file().items():
        if not code[name].is_required():
            assert str(value).rstrip("/") == str(code[name].default).rstrip("/"), name


# --- commands -------------------------------------------------------------------------------------


def commands_there_are() -> Iterator[str]:
    for module in iter_modules(cogs.__path__):
        for one in vars(import_module(f"cogs.{module.name}")).values():
            if isinstance(one, type) and issubclass(one, commands.GroupCog) and one is not commands.GroupCog:
                yield str(one.__cog_group_name__)
            elif isinstance(one, type) and issubclass(one, commands.Cog):
                yield from (command.name for command in one.__cog_app_commands__ if not command.parent)


def test_every_command_is_in_the_readme_and_every_one_in_the_readme_is_there() -> None:
    assert set(re.findall(r"`/([a-z]+)[` ]", README)) == {*commands_there_are(), "hands", "log"}  # pages of the sandbox


# --- modules and files ----------------------------------------------------------------------------


def mapped() -> dict[str, list[str]]:
    """The names in each folder's part of the map."""
    folder, found = "bot", dict[str, list[str]]()
    for first, *rest in rows(MAP, "Layout"):
        if (heading := re.match(r"\*\*`(\w+)/`\*\*", first)) is not None:
            folder = f"bot/{heading[1]}"
            continue
        found.setdefault(folder, []).extend(re.findall(r"`([\w*]+\.py)`", " ".join([first, *rest])))
    return found


@pytest.mark.parametrize("folder", ["bot", "bot/domain", "bot/service", "bot/adapters", "bot/sandbox"])
def test_the_map_names_every_module_and_no_other(folder: str) -> None:
    there, names = {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"}, mapped()[folder]
    assert [one for one in there if not any(fnmatch(one, name) for name in names)] == []
    assert [name for name in names if not any(fnmatch(one, name) for one in there)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = [one for one in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")) if "://" not in one]
    assert [one for one in links if not (page.parent / one).exists()] == []
