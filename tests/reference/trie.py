"""Texts as a trie of token ids, one node after the other: the slow way to pack."""


def trie_nodes(texts: list[list[int]]) -> tuple[dict[tuple[int, ...], int], list[list[tuple[int, ...]]]]:
    """Every distinct beginning of a text, numbered as met, and each text's path of beginnings."""
    nodes: dict[tuple[int, ...], int] = {}
    paths = []
    for text in texts:
        path = [tuple(text[: end + 1]) for end in range(len(text))]
        for node in path:
            nodes.setdefault(node, len(nodes))
        paths.append(path)
    return nodes, paths
