"""The sandbox's small page beside the channel: a picture is posted, and the menus of its message work, in a browser."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect
from test_sandbox_page import PHONE, QUIET, SOON, Person, browser, photo, sandbox

__all__ = ["browser"]

DESKTOP = (1280, 1030)


@asynccontextmanager
async def two_tabs(path: str, address: str, size: tuple[int, int]) -> AsyncGenerator[tuple[Person, Page]]:
    """The channel, and the small page beside it."""
    failures: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=list(QUIET))
        context = await chromium.new_context(viewport={"width": size[0], "height": size[1]})
        channel, hands = await context.new_page(), await context.new_page()
        for tab in (channel, hands):
            tab.on("pageerror", lambda error: failures.append(str(error)))
        ann = Person(channel)
        await ann.open(address)
        await hands.goto(f"{address}hands")
        yield ann, hands
        await chromium.close()
    assert failures == []


async def posted(hands: Page, words: str, who: str = "ben") -> None:
    """Somebody posts a holiday photo."""
    form = hands.locator("form[action='/hands/post']")
    await form.get_by_label("As").select_option(who)
    await form.get_by_label("Words").fill(words)
    await form.get_by_label("Pictures").set_input_files(photo())
    await form.get_by_role("button", name="Post").click()
    await expect(hands.get_by_role("status")).to_have_text(f"Posted as {who}.", timeout=SOON)


async def chosen(hands: Page, menu: str, who: str = "ann") -> None:
    """Somebody chooses from the menu of the newest message with a picture."""
    article = hands.locator("article").first
    await article.get_by_label("As").select_option(who)
    await article.get_by_role("button", name=menu).click()
    await expect(hands.get_by_role("status")).to_have_text(re.compile(f"see the channel, as {who}"), timeout=SOON)


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
async def test_a_posted_picture_is_edited_by_its_menu_and_collected_in_a_basket(
    browser: str, size: tuple[int, int]
) -> None:
    name = "phone" if size is PHONE else "desk"
    async with sandbox("--seconds", "1") as here, two_tabs(browser, here.address, size) as (ann, hands):
        await posted(hands, "my holiday")
        await ann.sees("my holiday")
        box = await hands.locator("body").bounding_box()
        assert box is not None
        assert box["width"] <= size[0]

        await chosen(hands, "Edit image")
        await ann.page.bring_to_front()
        prompt = ann.page.get_by_role("dialog").locator("textarea").first
        await expect(prompt).to_be_visible(timeout=SOON)
        await prompt.fill("make it night")
        await ann.shoot(f"menus-form-{name}")
        await ann.page.get_by_role("dialog").get_by_role("button", name="Submit").click()
        result = await ann.sees("make it night")
        await expect(ann.last.get_by_role("button", name="Compare")).to_be_visible(timeout=SOON)
        await ann.sees_images(1)
        await ann.shoot(f"menus-result-{name}")
        await ann.last.get_by_role("button", name="Compare").click()
        comparison = ann.page.locator("img[src][alt='Before and after, side by side: make it night']")
        await expect(comparison).to_be_visible(timeout=SOON)
        await comparison.evaluate("image => image.decode()")
        await comparison.scroll_into_view_if_needed()
        await ann.shoot(f"menus-compare-{name}")
        await expect(result).to_be_visible()

        for words in ("a second one", "a third one"):
            await posted(hands, words)
            await chosen(hands, "Add to blend")
        await ann.page.bring_to_front()
        basket = await ann.sees("Your basket: 2 of 14 pictures")
        await basket.scroll_into_view_if_needed()
        thumbnails = basket.locator("img[src][alt$='holiday.png']")
        await expect(thumbnails).to_have_count(2, timeout=SOON)
        await ann.shoot(f"menus-basket-{name}")


async def test_another_page_in_the_same_browser_cannot_act_here() -> None:
    async with sandbox() as here, aiohttp.ClientSession() as http:
        form = {"who": "ann", "menu": "Edit image", "message": "1"}
        for headers, status in (({"Origin": "http://evil.example"}, 403), ({}, 200)):
            async with http.post(f"{here.address}hands/menu", data=form, headers=headers) as answer:
                assert answer.status == status
