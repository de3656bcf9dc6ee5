"""`did you mean`: the known word nearest to a mistyped one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`; did you mean X?` when a choice is close to the word, else what there is to choose from."""
    known = sorted(set(choices))
    folded = {choice.lower(): choice for choice in known}
    near = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {folded[near[0]]}?"
    return f"; there are {', '.join(known)}" if known else ""
