"""The API as a bot without a library sees it: plain requests, plain answers."""

import json
from typing import Any, NamedTuple

import aiohttp

from tests.loopback.discord_bodies import Upload
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.discord_state import Json


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any

    @property
    def code(self) -> int:
        return self.body["code"]

    def broken_at(self) -> list[str]:
        """The paths of a form error."""
        found: list[str] = []

        def walk(node: Json, path: str) -> None:
            for key, inner in node.items():
                if key == "_errors":
                    found.append(path)
                else:
                    walk(inner, f"{path}.{key}" if path else key)

        walk(self.body["errors"], "")
        return found


class Rest:
    def __init__(self, server: LoopbackDiscord, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http
        self.messages = f"/channels/{server.channel.id}/messages"

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        files: list[Upload] | None = None,
    ) -> Answer:
        data: Any = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bot {self.server.token}", "Content-Type": "application/json"}
        if files:
            data = aiohttp.FormData(quote_fields=False)
            data.add_field("payload_json", json.dumps(body))
            for index, upload in enumerate(files):
                data.add_field(f"files[{index}]", upload.data, filename=upload.filename)
            del headers["Content-Type"]
        async with self.http.request(method, self.server.api_url + path, data=data, headers=headers) as response:
            text = await response.text()
            is_json = response.headers.get("Content-Type") == "application/json"
            return Answer(response.status, json.loads(text) if is_json else text, response.headers)

    async def send(self, **form: object) -> Answer:
        return await self("POST", self.messages, form)

    async def respond(self, interaction: Interaction, kind: int, **data: object) -> Answer:
        path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=1"
        return await self("POST", path, {"type": kind, "data": data})

    def hook(self, interaction: Interaction, message: str = "@original") -> str:
        return f"/webhooks/{self.server.bot.id}/{interaction.token}/messages/{message}"

    async def register(self, commands: list[Json]) -> None:
        await self("PUT", f"/applications/{self.server.bot.id}/commands", commands)
