"""`python -m bot sandbox` as its own process, used by a person in a real browser."""

import asyncio
import io
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from PIL import Image, ImageDraw, ImageOps
from playwright.async_api import FilePayload, Locator, Page, async_playwright, expect

from bot.sandbox.fal_faults import PHRASES

ROOT = Path(__file__).parents[2]
DESKTOP, PHONE = (1000, 1030), (390, 780)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SOON = 15_000
"""Milliseconds within which the page shows what is to come."""


# --- the process -------------------------------------------------------------------------------------


class Sandbox:
    """The running process and the address it printed."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self.process = process
        self.address = address

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        """End it as a person would; returns what it printed after the address."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(15):
            printed, _ = await self.process.communicate()
        assert self.process.returncode == 0, printed.decode()
        return printed.decode()


@asynccontextmanager
async def sandbox(*arguments: str) -> AsyncGenerator[Sandbox]:
    """Start it on a free port; at the end it must stop cleanly and have complained about nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "sandbox", "--port", "0", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    printed = ""
    try:
        async with asyncio.timeout(30):
            while not (found := re.search(r"http://127\.0\.0\.1:\d+/", printed)):
                line = await process.stdout.readline()
                assert line, printed
                printed += line.decode()
        here = Sandbox(process, found[0])
        yield here
        printed += await here.stop()
        assert "Traceback" not in printed, printed
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


# --- the person --------------------------------------------------------------------------------------


class Person:
    """Somebody in front of the page. Everything goes through what can be seen and clicked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.messages = page.locator("#channel-message-list > article")
        self.last = self.messages.last
        self.composer = page.locator("#channel-composer")

    async def open(self, address: str) -> None:
        """Type the address and wait for the channel."""
        await self.page.goto(address)
        await expect(self.messages).not_to_have_count(0, timeout=SOON)

    async def order(
        self, command: str, prompt: str = "", *, picture: FilePayload | None = None, **options: str
    ) -> None:
        """Pick a command in the message box, fill it in and send it."""
        await self.page.get_by_role("textbox", name="Message").press_sequentially(f"/{command}")
        await self.page.locator(".command-entry", has_text=f"/{command}").click()
        if prompt:
            await self._option("prompt").fill(prompt)
        if picture is not None:
            await self.composer.locator("input[type=file][data-option=image]").set_input_files(picture)
        for name, value in options.items():
            await self.composer.locator(".command-ghost").click()
            await self.page.locator(".command-suggestion").get_by_text(name, exact=True).click()
            await self._option(name).fill(value)
        await self.page.locator("#send-message").click()
        await expect(self.composer.locator(".command-chip")).to_have_count(0, timeout=SOON)

    async def become(self, name: str) -> None:
        """See the channel as somebody else."""
        [identity] = await self.page.get_by_label("Viewing as").select_option(label=name)
        await self.page.wait_for_function(
            "wanted => simcordPreview.ready && simcordPreview.viewerId === wanted", arg=identity, timeout=SOON
        )

    async def sees(self, text: str) -> Locator:
        """Wait until a message says that; returns it."""
        message = self.messages.filter(has_text=text).last
        await expect(message).to_be_visible(timeout=SOON)
        return message

    async def sees_images(self, count: int) -> None:
        """Wait until the newest message shows so many loaded images, and has come into view by itself."""
        images = self.last.locator("img.gallery-image[src]")
        await expect(images).to_have_count(count, timeout=SOON)
        for number in range(count):
            await images.nth(number).evaluate("image => image.decode()")
        await self.page.wait_for_function("() => simcordPreview.ready", timeout=SOON)
        await expect(images.first).to_be_in_viewport(ratio=0.9)

    async def shoot(self, name: str) -> None:
        """Keep a picture of the page where SANDBOX_SCREENSHOTS says."""
        if folder := os.environ.get("SANDBOX_SCREENSHOTS"):
            await self.page.mouse.move(0, 0)
            await self.page.screenshot(path=Path(folder) / f"{name}.png")

    def _option(self, name: str) -> Locator:
        return self.composer.locator(f"input.command-option-input[data-option={name}]")


@pytest.fixture
def browser() -> str:
    """Where the browser is; without one the test is skipped, or fails where there has to be one."""
    if path := shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"):
        return path
    why = "no Chromium here: apt-get install chromium"
    if os.environ.get("CI") or os.environ.get("BROWSER_REQUIRED"):
        pytest.fail(why)
    pytest.skip(why)


@asynccontextmanager
async def person(browser: str, address: str, size: tuple[int, int] = DESKTOP) -> AsyncGenerator[Person]:
    """A browser that has opened the page; at the end the page must not have failed in itself."""
    failures: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=list(QUIET))
        page = await chromium.new_page(viewport={"width": size[0], "height": size[1]})
        page.on("pageerror", lambda error: failures.append(str(error)))
        somebody = Person(page)
        await somebody.open(address)
        yield somebody
        await chromium.close()
    assert failures == []


def photo() -> FilePayload:
    """A picture of a person's own: hills under an evening sky."""
    sky = ImageOps.colorize(Image.linear_gradient("L"), (66, 94, 160), (250, 190, 130))
    picture = ImageOps.fit(sky, (1280, 720))
    pencil = ImageDraw.Draw(picture)
    pencil.ellipse((760, 230, 900, 370), fill=(255, 236, 190))
    pencil.ellipse((-500, 420, 740, 1600), fill=(64, 84, 92))
    pencil.ellipse((420, 500, 1900, 1900), fill=(38, 58, 62))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return FilePayload(name="holiday.png", mimeType="image/png", buffer=file.getvalue())


# --- with a browser ----------------------------------------------------------------------------------


@pytest.mark.browser
async def test_orders_show_their_progress_and_then_their_images_without_a_reload(browser: str) -> None:
    async with sandbox("--seconds", "3") as here, person(browser, here.address) as ann:
        await ann.page.get_by_role("button", name="Messages", exact=True).click()
        await ann.order("imagine", "a lighthouse in a storm", aspect_ratio="21:9", seed="10")
        progress = await ann.sees("Generating")
        await expect(progress).to_contain_text("8 credits")
        await ann.shoot("waiting")
        await ann.sees("1584 × 672")
        await ann.sees_images(1)
        await expect(ann.page.get_by_text("Generating")).to_have_count(0)

        await ann.order("edit", "make it night", picture=photo(), seed="8")
        await ann.sees("1376 × 768")
        await ann.sees_images(1)
        await ann.shoot("result")


@pytest.mark.browser
async def test_a_refusal_is_seen_by_its_member_alone_and_a_moderator_can_cancel_for_others(browser: str) -> None:
    async with sandbox("--seconds", "1") as here, person(browser, here.address) as viewer:
        await viewer.order("imagine", "a very wide teapot", model="nano-banana", aspect_ratio="8:1")
        await viewer.sees("has no aspect_ratio 8:1")
        await viewer.order("imagine", "sandbox: refuse")
        await viewer.sees("content check refused")
        await viewer.shoot("refusal")
        await viewer.order("imagine", "sandbox: slow")
        await viewer.sees("sandbox: slow")

        await viewer.become("ben")
        await expect(viewer.page.get_by_text("content check refused")).to_have_count(0)
        await viewer.page.get_by_role("button", name="Cancel", exact=True).click()
        await viewer.sees("Only the person who ordered this")
        await viewer.become("mia")
        await viewer.page.get_by_role("button", name="Cancel", exact=True).click()
        await viewer.sees("Nothing was charged")


@pytest.mark.browser
async def test_a_phone_is_wide_enough_to_cancel_an_order_and_to_see_the_next(browser: str) -> None:
    async with sandbox("--seconds", "3") as here, person(browser, here.address, PHONE) as ann:
        await ann.order("imagine", "a mistake")
        await ann.sees("Generating")
        await ann.page.get_by_role("button", name="Cancel", exact=True).click()
        await ann.sees("Nothing was charged")
        await expect(ann.page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
        await ann.order("quota")
        await ann.sees("You have 200 credits of 200 left today and 0 orders on the way")

        await ann.order("imagine", "a lighthouse in a storm", images="2")
        await ann.sees("1024 × 1024")
        await ann.sees_images(2)
        for element in (ann.last, ann.composer, ann.last.locator("img").first):
            box = await element.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= PHONE[0]
        await ann.shoot("phone")

        await ann.page.get_by_text("More", exact=True).click()
        await ann.page.get_by_role("button", name="End preview session").click()
        async with asyncio.timeout(10):
            assert await here.process.wait() == 0


# --- without -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_printed_address_leads_to_the_page_and_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    async with sandbox() as here, aiohttp.ClientSession() as http:
        async with http.get(here.address, allow_redirects=False) as answer:
            leads_to = answer.headers["Location"]
        async with http.get(leads_to) as page:
            assert "<title>" in await page.text()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#.{20,}", leads_to)
        begun = time.perf_counter()
        printed = await here.stop(number)
        assert time.perf_counter() - begun < 5
        assert "Ctrl-C" in printed
        assert set(re.findall(r"sandbox: \w+", printed)) <= PHRASES.keys()


async def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "sandbox", "--port", port, cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        _, complaint = await process.communicate()
    assert process.returncode == 2
    assert complaint.decode() == f"cannot start: port {port} of this computer is taken; choose another with --port\n"
