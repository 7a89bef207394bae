"""What was just written is in memory until it is sent, and never more of it than was said."""

from pathlib import Path

from bot.adapters.fresh import ALTOGETHER, AT_ONCE, Fresh

ORDER = Path("jobs/1")
PAIR = [ORDER / "image-1.png", ORDER / "image-2.png"]


def kept(sizes: list[int], fresh: Fresh, folder: Path = ORDER) -> list[Path]:
    paths = [folder / f"image-{number}.png" for number, _ in enumerate(sizes, start=1)]
    for path, size in zip(paths, sizes, strict=True):
        fresh.keep(path, path.name.encode().ljust(size))
    return paths


def test_the_images_of_an_order_are_taken_together_and_once() -> None:
    fresh = Fresh()
    paths = kept([100, 100], fresh)
    assert [file.read().strip() for file in fresh.take(paths)] == [b"image-1.png", b"image-2.png"]
    assert fresh.take(paths) == []


def test_where_one_of_the_files_is_another_nothing_is_taken() -> None:
    fresh = Fresh()
    kept([100], fresh)
    assert fresh.take(PAIR) == []
    assert fresh.take([]) == []


def test_of_an_order_with_much_nothing_is_kept() -> None:
    fresh = Fresh()
    assert len(fresh.take(kept([AT_ONCE // 2] * 2, fresh))) == len(PAIR)
    assert fresh.take(kept([AT_ONCE // 2, AT_ONCE // 2 + 1], fresh)) == []


def test_what_nobody_takes_goes_when_others_come() -> None:
    fresh, orders = Fresh(), ALTOGETHER // AT_ONCE + 1
    paths = [kept([AT_ONCE], fresh, Path(f"jobs/{number}")) for number in range(orders)]
    taken = [bool(fresh.take(one)) for one in paths]
    assert taken == [False] + [True] * (orders - 1)
    assert fresh.take(kept([AT_ONCE], fresh))


def test_a_file_that_is_written_again_counts_once() -> None:
    fresh = Fresh()
    paths = [kept([AT_ONCE], fresh) for _ in range(ALTOGETHER // AT_ONCE + 1)]
    assert len(fresh.take(paths[0])) == 1
