"""Groups from what items share.

Formula: two items are joined when they share a key, directly or through other items (connected components). The
group's id is that of its first item, so it depends on ids only, not on texts.
"""

from collections.abc import Hashable, Sequence


def joined_groups(items: Sequence[str], keys: Sequence[Sequence[Hashable]]) -> list[str]:
    """One group id per item: that of the first item it is joined with.

    Args:
        items: ids; the same id may occur several times (in several languages) and is then one item.
        keys: what each of them shares with others.
    """
    numbers: dict[str, int] = {}
    parent: list[int] = []
    owner: dict[Hashable, int] = {}
    for item, shared in zip(items, keys, strict=True):
        number = numbers.setdefault(item, len(parent))
        if number == len(parent):
            parent.append(number)
        for key in shared:
            first, second = _root(parent, owner.setdefault(key, number)), _root(parent, number)
            # The smaller number stays the root, so the root is the first item.
            parent[max(first, second)] = min(first, second)
    names = list(numbers)
    return [names[_root(parent, numbers[item])] for item in items]


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number
