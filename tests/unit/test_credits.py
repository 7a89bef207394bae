"""What orders cost: fal's list prices (facts/fal.md, part 6) in whole cents, rounded up once per order."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.catalogue_file import load_catalogue
from bot.domain.credits import Price, credits_for, word
from bot.domain.order import Choices, Order, Reference
from bot.settings import MODELS_FILE

CATALOGUE = load_catalogue(MODELS_FILE)
PICTURE = Reference(url="https://cdn.invalid/a.png", filename="a.png", content_type="image/png", size=10)


def price(model: str, choices: Choices, *, edit: bool = False) -> int:
    """What a member pays for such an order: through the request, as the desk does it."""
    references = (PICTURE,) if edit else ()
    order = Order(
        scope="guild:1", guild_id=1, channel_id=2, member_id=3, prompt="a fox", model=model, choices=choices,
        references=references,
    )  # fmt: skip
    request = CATALOGUE.request(order, max_tolerance=6, seed=1)
    return CATALOGUE.model(model).cost(request.arguments, request.images)


@pytest.mark.parametrize("edit", [False, True])
@pytest.mark.parametrize(
    ("model", "choices", "credits_expected"),
    [
        ("nano-banana", Choices(), 4),  # $0.0398
        ("nano-banana", Choices(images=2), 8),  # $0.0796
        ("nano-banana", Choices(images=3), 12),  # $0.1194
        ("nano-banana", Choices(images=4), 16),  # $0.1592
        ("nano-banana-pro", Choices(), 15),
        ("nano-banana-pro", Choices(resolution="1K"), 15),
        ("nano-banana-pro", Choices(resolution="2K"), 15),
        ("nano-banana-pro", Choices(resolution="4K"), 30),
        ("nano-banana-pro", Choices(resolution="4K", images=4), 120),
        ("nano-banana-pro", Choices(web_search=True), 17),  # $0.165
        ("nano-banana-pro", Choices(web_search=False), 15),
        ("nano-banana-pro", Choices(web_search=True, images=2), 33),  # $0.33: rounded once, not twice
        ("nano-banana-pro", Choices(web_search=True, resolution="4K"), 32),  # $0.315
        ("nano-banana-2", Choices(), 8),
        ("nano-banana-2", Choices(resolution="0.5K"), 6),
        ("nano-banana-2", Choices(resolution="1K"), 8),
        ("nano-banana-2", Choices(resolution="2K"), 12),
        ("nano-banana-2", Choices(resolution="4K"), 16),
        ("nano-banana-2", Choices(resolution="4K", images=4), 64),
        ("nano-banana-2", Choices(web_search=True), 10),  # $0.095
        ("nano-banana-2", Choices(web_search=True, images=2), 19),  # $0.19
        ("nano-banana-2", Choices(thinking="high"), 9),  # $0.082
        ("nano-banana-2", Choices(thinking="minimal"), 8),
        ("nano-banana-2", Choices(thinking="high", images=4), 33),  # $0.328
        ("nano-banana-2", Choices(thinking="high", web_search=True), 10),  # $0.097
        ("nano-banana-2", Choices(thinking="high", web_search=True, resolution="4K", images=4), 71),  # $0.708
    ],
)
def test_an_order_costs_fals_list_price_rounded_up_once(
    *, model: str, choices: Choices, edit: bool, credits_expected: int
) -> None:
    assert price(model, choices, edit=edit) == credits_expected


def test_a_surcharge_is_added_after_the_resolution_multiplies() -> None:
    each = Price(
        image=Decimal("0.08"),
        times={"resolution": {"4K": Decimal(2)}},
        plus={"enable_web_search": {"true": Decimal("0.015")}},
    )
    assert each.of({"resolution": "4K", "enable_web_search": True}, 1) == Decimal("0.175")


def test_a_value_without_a_price_of_its_own_changes_nothing() -> None:
    each = Price(image=Decimal("0.1"), times={"resolution": {"4K": Decimal(2)}}, plus={"x": {"y": Decimal(1)}})
    assert each.of({"resolution": "1K"}, 3) == Decimal("0.3")


@pytest.mark.parametrize(
    ("dollars", "credits_expected"),
    [("0", 0), ("0.000001", 1), ("0.01", 1), ("0.0100001", 2), ("0.29", 29), ("0.57", 57), ("1.15", 115)],
)
def test_a_part_of_a_cent_is_a_whole_credit(dollars: str, credits_expected: int) -> None:
    """0.29, 0.57 and 1.15 times a hundred are not whole in binary fractions: prices are decimals."""
    assert credits_for(Decimal(dollars)) == credits_expected


@given(st.decimals(min_value=0, max_value=10_000, places=6))
def test_credits_cover_the_price_and_exceed_it_by_less_than_one(dollars: Decimal) -> None:
    assert 0 <= credits_for(dollars) - dollars * 100 < 1


@given(st.decimals(min_value=0, max_value=1, places=4), st.integers(1, 4))
def test_several_images_never_cost_more_in_one_order_than_in_several(each: Decimal, images: int) -> None:
    one = Price(image=each)
    assert credits_for(one.of({}, images)) <= images * credits_for(one.of({}, 1))


@pytest.mark.parametrize(("value", "said"), [(True, "true"), (False, "false"), ("4K", "4K"), (3, "3"), (None, "None")])
def test_a_value_is_written_as_the_catalogue_writes_it(value: object, said: str) -> None:
    assert word(value) == said
