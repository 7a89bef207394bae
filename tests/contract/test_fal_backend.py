"""The ImageBackend port: the real fal adapter over real HTTP against the strict loopback fal.

The requests come from the real catalogue, so the loopback's own table of parameters checks config/models.toml.
"""

IMPORTS

pytest_plugins = ["loopback_fal_fixtures", "fal_backend_fixtures"]


# --- the six endpoints ----------------------------------------------------------------------------


SIX: list[tuple[str, str, Choices, dict[str, object]]] = [
    (
        "fal-ai/nano-banana-2",
        "nano-banana-2",
        Choices(
            aspect_ratio="8:1", resolution="4K", images=3, format="webp", safety=2, web_search=True, thinking="high"
        ),
        {
            "aspect_ratio": "8:1",
            "resolution": "4K",
            "num_images": 3,
            "output_format": "webp",
            "safety_tolerance": "2",
            "enable_web_search": True,
            "thinking_level": "high",
            "sync_mode": False,
            "limit_generations": True,
        },
    ),
    (
        "fal-ai/nano-banana-2/edit",
        "nano-banana-2",
        Choices(aspect_ratio="1:4", resolution="0.5K", format="jpeg", seed=7, safety=6, thinking="minimal"),
        {
            "aspect_ratio": "1:4",
            "resolution": "0.5K",
            "num_images": 1,
            "output_format": "jpeg",
            "seed": 7,
            "safety_tolerance": "6",
            "enable_web_search": False,
            "thinking_level": "minimal",
            "sync_mode": False,
            "limit_generations": True,
        },
    ),
    (
        "fal-ai/nano-banana-pro",
        "nano-banana-pro",
        Choices(aspect_ratio="21:9", resolution="2K", images=2, format="jpeg", safety=1, web_search=True),
        {
            "aspect_ratio": "21:9",
            "resolution": "2K",
            "num_images": 2,
            "output_format": "jpeg",
            "safety_tolerance": "1",
            "enable_web_search": True,
            "sync_mode": False,
            "limit_generations": False,
        },
    ),
    (
        "fal-ai/nano-banana-pro/edit",
        "nano-banana-pro",
        Choices(aspect_ratio="9:16", resolution="4K", format="webp", seed=0, safety=5, web_search=True),
        {
            "aspect_ratio": "9:16",
            "resolution": "4K",
            "num_images": 1,
            "output_format": "webp",
            "seed": 0,
            "safety_tolerance": "5",
            "enable_web_search": True,
            "sync_mode": False,
            "limit_generations": False,
        },
    ),
    (
        "fal-ai/nano-banana",
        "nano-banana",
        Choices(aspect_ratio="4:5", images=4, format="jpeg", safety=3),
        {
            "aspect_ratio": "4:5",
            "num_images": 4,
            "output_format": "jpeg",
            "safety_tolerance": "3",
            "sync_mode": False,
            "limit_generations": False,
        },
    ),
    (
        "fal-ai/nano-banana/edit",
        "nano-banana",
        Choices(aspect_ratio="3:2", format="webp", seed=2_147_483_647, safety=6),
        {
            "aspect_ratio": "3:2",
            "num_images": 1,
            "output_format": "webp",
            "seed": 2_147_483_647,
            "safety_tolerance": "6",
            "sync_mode": False,
            "limit_generations": False,
        },
    ),
]


@pytest.mark.parametrize(("endpoint", "model", "choices", "expected"), SIX, ids=[one[0] for one in SIX])
async def test_an_order_with_its_own_options_goes_all_the_way_on_every_endpoint(
    backend: Fal,
    keyed_fal: LoopbackFal,
    picture_file: Path,
    endpoint: str,
    model: str,
    choices: Choices,
    expected: dict[str, object],
) -> None:
    edit = endpoint.endswith("/edit")
    request = ordered(model, choices, pictures=2 if edit else 0)
    urls = [await backend.upload(picture_file, "image/png") for _ in range(2)] if edit else []
    ticket = await backend.submit(request.with_pictures(urls) if edit else request)
    statuses = await seen(backend, ticket)
    result = await backend.result(ticket)

    job = keyed_fal.jobs[ticket.request_id]
    assert job.endpoint == endpoint
    assert job.arguments == {"prompt": "a quiet harbour", **expected} | ({"image_urls": urls} if edit else {})
    assert [type(value) for value in job.arguments.values()] == [
        type(value) for value in (request.with_pictures(urls) if edit else request).arguments.values()
    ]
    assert statuses[-1] == Completed()
    assert [link.url for link in result.images] == [image["url"] for image in job.images]
    assert [link.content_type for link in result.images] == [f"image/{expected['output_format']}"] * request.images
    assert result.units == float(job.units)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_every_parameter_with_a_default_is_always_sent_and_nothing_the_endpoint_lacks(
    backend: Fal, keyed_fal: LoopbackFal, picture_file: Path, endpoint: str
) -> None:
    edit = endpoint.endswith("/edit")
    model = CATALOGUE.model_of(endpoint)
    request = ordered(model.name, Choices(images=2), pictures=int(edit))
    if edit:
        request = request.with_pictures([await backend.upload(picture_file, "image/png")])
    ticket = await backend.submit(request)

    sent, schema = keyed_fal.jobs[ticket.request_id].arguments, ENDPOINTS[endpoint]
    assert sent.keys() == schema.parameters.keys() - {"seed", "thinking_level"}
    free = {"prompt", "image_urls", "num_images"}
    assert {name: value for name, value in sent.items() if name not in free} == {
        name: parameter.default
        for name, parameter in schema.parameters.items()
        if name not in free and parameter.default is not None
    }


async def test_a_single_image_is_sent_with_a_seed_of_ours_so_that_it_can_be_found_again(
    backend: Fal, keyed_fal: LoopbackFal
) -> None:
    ticket = await backend.submit(ordered("nano-banana-2", Choices()))
    assert keyed_fal.jobs[ticket.request_id].arguments["seed"] == 41


async def test_fal_is_asked_to_keep_the_outputs_for_the_days_of_the_settings(backend: Fal, keyed_fal: LoopbackFal) -> None:
    ticket = await backend.submit(simple())
    assert keyed_fal.jobs[ticket.request_id].output_seconds == KEEP_DAYS * DAY


async def test_fewer_images_than_asked_for_are_a_result(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Script(fault=Fault.RUN_FEWER, images=2))
    ticket, _ = await made(backend, keyed_fal, simple(images=4))
    result = await backend.result(ticket)
    assert (len(result.images), result.units) == (2, 1.5)


async def test_a_wrong_key_is_an_account_error_at_every_step(keyed_fal: LoopbackFal, pauses: Pauses, tmp_path: Path) -> None:
    file = tmp_path / "1.png"
    file.write_bytes(b"x")
    ticket = ticket_from_id(TEXT, "r-1", keyed_fal.url)
    async with backend_at(keyed_fal.url, pauses, key="wrong") as backend:
        steps = [
            backend.submit(simple()),
            backend.upload(file, "image/png"),
            seen(backend, ticket),
            backend.result(ticket),
            backend.cancel(ticket),
            backend.find(simple(), 0, 1),
        ]
        for step in steps:
            with pytest.raises(AccountError):
                await step
    assert keyed_fal.jobs == {}
    assert pauses.slept == []


# --- watching -------------------------------------------------------------------------------------


async def test_a_watch_tells_every_change_once_and_ends_with_completed(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    keyed_fal.queue.concurrency = 1
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS, times=3)
    tickets = [await backend.submit(simple(f"number {number}")) for number in range(3)]
    jobs = list(keyed_fal.jobs.values())

    def nothing() -> None: ...

    pauses.meanwhile = [
        nothing,
        lambda: keyed_fal.queue.cancel(jobs[0]),
        nothing,
        lambda: keyed_fal.queue.cancel(jobs[1]),
        nothing,
        lambda: keyed_fal.queue.cancel(jobs[2]),
    ]
    assert await seen(backend, tickets[2]) == [InQueue(1), InQueue(0), InProgress(), Completed()]
    assert pauses.slept == pytest.approx([0.5, 0.65, 0.845, 1.0985, 1.42805, 1.856465])


async def test_looks_are_never_further_apart_than_two_seconds(backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    ticket = await backend.submit(simple())
    pauses.meanwhile = [lambda: None] * 12 + [lambda: keyed_fal.queue.cancel(keyed_fal.jobs[ticket.request_id])]
    assert await seen(backend, ticket) == [InProgress(), Completed()]
    assert max(pauses.slept) == 2.0


@pytest.mark.parametrize(
    ("script", "times"),
    [
        (Script(fault=Fault.STATUS_ERROR, status=500), 12),
        (Script(fault=Fault.STATUS_ERROR, status=429), 12),
        (Script(fault=Fault.STATUS_ERROR, status=400), 2),
        (Script(fault=Fault.STATUS_INGRESS_ERROR, status=502), 12),
        (Script(fault=Fault.STATUS_INGRESS_ERROR), 12),
        (Script(fault=Fault.STATUS_DROP), 24),
        (Script(fault=Fault.STATUS_ERROR, status=404), 2),
    ],
    ids=lambda one: f"{one.fault}-{one.status}" if isinstance(one, Script) else "",
)
async def test_troubles_of_the_status_that_pass_are_waited_out(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses, script: Script, times: int
) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    keyed_fal.fail_next(script, times=times)
    assert await seen(backend, ticket) == [Completed()]
    assert keyed_fal.faults.waiting == []
    assert all(0.5 <= pause <= 10.0 for pause in pauses.slept)


async def test_an_unknown_request_is_gone_after_three_looks_and_not_at_once(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    with pytest.raises(EndpointGoneError) as raised:
        await seen(backend, ticket_from_id(TEXT, "nobody", keyed_fal.url))
    assert raised.value.may_be_billed
    assert len(keyed_fal.seen(Step.STATUS)) == 3
    assert pauses.slept == [1.0, 2.0]


async def test_only_looks_in_a_row_make_a_request_unknown(backend: Fal, keyed_fal: LoopbackFal) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    for status in (404, 404, 503, 404, 404):
        keyed_fal.fail_next(Script(fault=Fault.STATUS_ERROR, status=status))
    assert await seen(backend, ticket) == [Completed()]


@pytest.mark.parametrize("said", [b"", b"[]", b'{"status": null}', b"\xff\xfe", b"<html>nginx</html>", b"[" * 100_000])
async def test_a_status_that_cannot_be_read_is_a_trouble_that_passes(pauses: Pauses, said: bytes) -> None:
    async with HostileServer(
        Conduct(says=answer(200, said)), Conduct(says=answer(200, {"status": "COMPLETED"}))
    ) as server:
        async with backend_at(server.url, pauses) as backend:
            assert await seen(backend, ticket_from_id(TEXT, "r-1", server.url)) == [Completed()]


# --- cancelling -----------------------------------------------------------------------------------


async def test_a_confirmed_cancel_is_the_result(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    assert (await seen(backend, ticket))[-1] == Completed()
    error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (CancelledAtFalError, False)
    assert keyed_fal.billed == {}


async def test_after_a_cancel_that_fal_ignores_the_images_come(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.queue.concurrency = 0
    keyed_fal.fail_next(Fault.CANCEL_IGNORED)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    keyed_fal.queue.concurrency = 1
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    other = await backend.submit(simple("another"))
    await completed(keyed_fal.jobs[ticket.request_id])
    await backend.cancel(other)
    assert len((await backend.result(ticket)).images) == 1


async def test_a_cancel_that_comes_too_late_is_no_error_and_the_images_stay(backend: Fal, keyed_fal: LoopbackFal) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    await backend.cancel(ticket)
    assert len((await backend.result(ticket)).images) == 1


async def test_a_cancel_of_a_request_that_fal_does_not_know_is_no_error(backend: Fal, keyed_fal: LoopbackFal) -> None:
    await backend.cancel(ticket_from_id(TEXT, "nobody", keyed_fal.url))
    assert len(keyed_fal.seen(Step.CANCEL)) == 1


async def test_a_cancel_whose_connection_drops_is_sent_again(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    keyed_fal.fail_next(Fault.CANCEL_DROP, times=2)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    assert keyed_fal.jobs[ticket.request_id].cancelled


async def test_a_cancel_that_fal_did_not_hear_says_so(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    ticket = await backend.submit(simple())
    keyed_fal.fail_next(Fault.CANCEL_ERROR)
    with pytest.raises(FalDownError):
        await backend.cancel(ticket)
    keyed_fal.fail_next(Fault.CANCEL_DROP, times=10)
    with pytest.raises(FalDownError):
        await backend.cancel(ticket)
    assert not keyed_fal.jobs[ticket.request_id].cancelled


# --- finding what was lost ------------------------------------------------------------------------


async def lost(backend: Fal, keyed_fal: LoopbackFal, request: Request) -> LoopbackJob:
    """A request that arrived at fal and whose answer did not."""
    keyed_fal.fail_next(Fault.SUBMIT_DROP_AFTER)
    with pytest.raises(SubmitUnansweredError):
        await backend.submit(request)
    return list(keyed_fal.jobs.values())[-1]


def window() -> tuple[float, float]:
    """A minute before and after now, in unix seconds."""
    return time.time() - 60, time.time() + 60


async def test_a_request_whose_answer_was_lost_is_found_and_its_images_come_without_a_second_payment(
    backend: Fal, keyed_fal: LoopbackFal
) -> None:
    for number in range(3):
        await made(backend, keyed_fal, simple(f"number {number}"))
    job = await lost(backend, keyed_fal, simple())
    await completed(job)
    ticket = await backend.find(simple(), *window())
    assert ticket == ticket_from_id(TEXT, job.id, keyed_fal.url)
    assert await seen(backend, ticket) == [Completed()]
    assert len((await backend.result(ticket)).images) == 1
    assert len(keyed_fal.billed) == 4


async def test_a_lost_edit_is_found_by_its_pictures_too(
    backend: Fal, keyed_fal: LoopbackFal, picture_file: Path
) -> None:
    requests = [
        ordered("nano-banana-2", Choices(), pictures=1).with_pictures([await backend.upload(picture_file, "image/png")])
        for _ in range(2)
    ]
    jobs = [await lost(backend, keyed_fal, request) for request in requests]
    for job in jobs:
        await completed(job)
    tickets = [await backend.find(request, *window()) for request in requests]
    assert [ticket and ticket.request_id for ticket in tickets] == [job.id for job in jobs]


async def test_a_lost_request_that_fal_does_not_list_yet_is_found_later(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    job = await lost(backend, keyed_fal, simple())
    assert await backend.find(simple(), *window()) is None
    keyed_fal.queue.cancel(job)
    assert await backend.find(simple(), *window()) is not None


async def test_two_requests_that_fit_are_no_find(backend: Fal, keyed_fal: LoopbackFal) -> None:
    request = simple(images=2)  # several images have no seed of ours that tells them apart
    for _ in range(2):
        await made(backend, keyed_fal, request)
    assert await backend.find(request, *window()) is None


async def test_nothing_else_is_taken_for_the_lost_request(backend: Fal, keyed_fal: LoopbackFal) -> None:
    begun = time.time()
    ticket, _ = await made(backend, keyed_fal, simple())
    ended = time.time()
    near = [
        simple("a quiet harbor"),
        simple(images=2),
        Request(endpoint=TEXT, arguments={**simple().arguments, "seed": 42}, images=1),
        ordered("nano-banana-pro", Choices()),
    ]
    assert [await backend.find(request, *window()) for request in near] == [None] * 4
    assert await backend.find(simple(), begun - 60, begun - 1) is None
    assert await backend.find(simple(), ended + 1, ended + 60) is None
    assert await backend.find(simple(), begun - 1, ended + 1) == ticket


async def test_every_page_of_the_list_is_read(backend: Fal, keyed_fal: LoopbackFal) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    for number in range(210):
        job = LoopbackJob(endpoint=TEXT, arguments={"prompt": f"number {number}"})
        keyed_fal.queue.jobs[job.id] = job
        keyed_fal.queue.end(job, Answer(status=200, body={}))
    assert await backend.find(simple(), *window()) == ticket
    assert len(keyed_fal.seen(Step.LISTING)) == 3


async def test_a_list_that_cannot_be_read_says_so(backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses) -> None:
    keyed_fal.fail_next(Fault.LISTING_ERROR)
    with pytest.raises(FalDownError):
        await backend.find(simple(), *window())
    for said in (b"", b"[]", b'{"items": 7}', b"<html>nginx</html>"):
        async with HostileServer(Conduct(says=answer(200, said))) as server, backend_at(server.url, pauses) as other:
            with pytest.raises(FalDownError):
                await other.find(simple(), *window())
