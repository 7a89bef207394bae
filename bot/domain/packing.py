"""How large each file of one message may be."""

from collections.abc import Sequence

REQUEST_BUDGET = 24 * 1024 * 1024
"""Bytes of all files in one request; Discord takes 25 MiB with everything around them."""


def shares(sizes: Sequence[int], file_limit: int, budget: int = REQUEST_BUDGET) -> list[int]:
    """The most bytes each file may have, in the same order: files that are small leave their share to the others.

    A file whose share is at least its size goes as it is.
    """
    result = [0] * len(sizes)
    left, open_files = budget, len(sizes)
    for index in sorted(range(len(sizes)), key=lambda one: sizes[one]):
        fair = min(file_limit, left // open_files)
        result[index] = fair
        left -= min(sizes[index], fair)
        open_files -= 1
    return result
