"""The sandbox's second page: the log channel, which moderators alone see, in a real browser."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect
from test_sandbox_page import DESKTOP, PHONE, QUIET, SOON, Person, browser, sandbox

__all__ = ["browser"]


@asynccontextmanager
async def two_pages(path: str, address: str) -> AsyncGenerator[tuple[Person, Person]]:
    """The channel at a desk, and the log channel on a phone; at the end neither page may have failed in itself."""
    failures: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=list(QUIET))
        tabs: list[Page] = []
        for width, height in (DESKTOP, PHONE):
            tab = await chromium.new_page(viewport={"width": width, "height": height})
            tabs.append(tab)
            tab.on("pageerror", lambda error: failures.append(str(error)))
        channel, log = (Person(tab) for tab in tabs)
        await channel.open(address)
        await log.open(f"{address}log")
        yield channel, log
        await chromium.close()
    assert failures == []


async def uses_the_log_channel_as_any_other(viewer: Person, mia: Person) -> None:
    """Its own results, among the entries about them."""
    result = mia.messages.filter(has=mia.page.get_by_role("button", name="Edit", exact=True)).last
    image = result.locator("img.gallery-image[src]")
    await mia.order("imagine", "a red boat")
    await expect(image).to_have_count(1, timeout=SOON)
    await result.get_by_role("button", name="Edit", exact=True).click()
    form = mia.page.get_by_role("dialog")
    await form.locator("textarea").first.fill("make it blue", timeout=SOON)
    await form.get_by_role("button", name="Submit").click()
    await expect(result).to_contain_text("Edit 1 of", timeout=SOON)
    await expect(image).to_have_count(1, timeout=SOON)
    for element in (result, mia.composer, image):
        box = await element.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
    await mia.shoot("log-phone")
    await expect(viewer.page.get_by_text("a red boat")).to_have_count(0)


async def deletes_from_the_log(viewer: Person, mia: Person) -> None:
    """What stands there of an order, and what became of it in the channel."""
    await viewer.page.bring_to_front()
    await viewer.become("ann")
    await viewer.order("imagine", "a green owl")
    await viewer.sees_images(1)
    await mia.page.bring_to_front()
    await expect(await mia.sees("Ordered by @ann")).to_contain_text("a green owl")
    entry = await mia.sees("Result for @ann")
    await expect(entry.get_by_role("img", name="a green owl")).to_be_visible()
    await mia.shoot("log-entry-phone")
    await entry.get_by_role("button", name="Delete and release").click()
    question = await mia.sees("Delete these images for everyone?")
    await question.get_by_role("button", name="Delete and release").click()
    await expect(await mia.sees("Images of @ann deleted by @mia")).to_contain_text("8 credits given back")
    await expect(await mia.sees("Deleted since then.")).to_contain_text("Result for @ann")
    await expect(mia.page.get_by_role("img", name="a green owl")).to_have_count(0)
    await expect(viewer.page.get_by_text("a green owl")).to_have_count(0)


async def approves_in_the_log(viewer: Person, mia: Person) -> None:
    """The panel says which channel; the order waits until the click."""
    await mia.order("settings panel")
    await (await mia.sees("Settings · Models")).get_by_role("button", name="Safety").click()
    panel = await mia.sees("Settings · Safety")
    await panel.get_by_role("combobox", name="Select one or more options").first.click()
    await panel.get_by_role("option", name="pictures").click()
    await panel.get_by_role("button", name="Apply", exact=True).click()
    await mia.sees("none → #pictures")
    await viewer.page.bring_to_front()
    await viewer.order("imagine", "a yellow kite")
    waiting = await viewer.sees("Waiting for a moderator's approval")
    await expect(waiting.get_by_role("button", name="Cancel")).to_be_visible()
    await mia.page.bring_to_front()
    question = await mia.sees("Waiting for approval.")
    await expect(question).to_contain_text("a yellow kite")
    await mia.shoot("log-question-phone")
    await question.get_by_role("button", name="Approve", exact=True).click()
    await mia.sees("Approved by @mia")
    await viewer.page.bring_to_front()
    await viewer.sees_images(1)
    await mia.sees("Result for @ann")


@pytest.mark.browser
async def test_the_moderator_works_in_the_log_channel_while_members_use_the_other(browser: str) -> None:
    async with sandbox("--seconds", "1") as here, two_pages(browser, here.address) as (viewer, mia):
        await mia.sees("Only moderators see it")
        await expect(mia.page.get_by_label("Viewing as").locator("option")).to_have_text(["mia"])
        await viewer.become("mia")
        await viewer.order("settings history")
        changed = await viewer.sees("Log channel")
        await expect(changed).to_contain_text("#bot-log")
        await mia.page.bring_to_front()
        await uses_the_log_channel_as_any_other(viewer, mia)
        await deletes_from_the_log(viewer, mia)
        await approves_in_the_log(viewer, mia)


async def test_the_log_channel_has_an_address_below_the_printed_one_and_it_is_another_page() -> None:
    async with sandbox() as here, aiohttp.ClientSession() as http:
        pages: list[str] = []
        for path in ("", "log"):
            async with http.get(here.address + path, allow_redirects=False) as answer:
                assert answer.status == 302
                pages.append(answer.headers["Location"])
        assert all(re.fullmatch(r"http://127\.0\.0\.1:\d+/#.{20,}", page) for page in pages)
        assert len(set(pages)) == 2
        assert f"{here.address}log" in await here.stop()
