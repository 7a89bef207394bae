"""Money: fal's list prices, and credits (one US cent, whole numbers, rounded up per order)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one image costs: a base, multiplied and topped up by chosen values. US dollars."""

    image: Decimal
    times: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict[str, Mapping[str, Decimal]])
    plus: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict[str, Mapping[str, Decimal]])

    def of(self, arguments: Mapping[str, object], images: int) -> Decimal:
        """Price `images` images made with these arguments. fal does not say whether surcharges are per image: assume so."""
        each = self.image
        for name, factors in self.times.items():
            each *= factors.get(word(arguments.get(name)), Decimal(1))
        for name, extras in self.plus.items():
            each += extras.get(word(arguments.get(name)), Decimal(0))
        return each * images


def word(value: object) -> str:
    """A parameter's value as the catalogue writes it: booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def credits_for(dollars: Decimal) -> int:
    """Whole credits for a price in US dollars, rounded up."""
    return int((dollars * 100).to_integral_value(rounding=ROUND_CEILING))
