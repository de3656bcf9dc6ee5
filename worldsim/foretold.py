"""What is known of frames before they are drawn: what will happen, and what that will look like."""

import torch
from torch import Tensor

from worldsim.both import both
from worldsim.happenings import Happenings
from worldsim.models.draft import undrawn
from worldsim.state import State
from worldsim.surroundings import Ahead, Given, Surroundings, Told


def foretold(
    around: Surroundings | None,
    happenings: Happenings | None,
    state: State,
    led: Tensor,
    given: Given,
) -> Told:
    """What there is to know of the frames that actions (b, f, a) lead to.

    around, happenings: of games that have a camera, and that tell events apart.
    """
    (motions, events), f = given, led.shape[1]
    if around is not None and motions is None:
        motions = around.motions(state, led[:, 0])

    def happen() -> Tensor | None:
        if events is not None or happenings is None:
            return events
        return happenings.drawn(state, led, motions)

    def known() -> Ahead | None:
        if around is None or motions is None:
            return None
        return around.ahead(state, led[:, 0], motions)

    happened, ahead = both(happen, known, led.shape[:2].numel())
    if around is None or ahead is None:
        return Told(led, happened)
    if happenings is None or happened is None:
        return Told(led, None, ahead, undrawn(around.prior(state, ahead, f)))
    ahead, blocks, first = happenings.put(state, happened[:, 0], ahead, events is not None)
    happened = torch.cat([first[:, None], happened[:, 1:]], 1)
    known_before = around.prior(state, ahead, f), led, happened, ahead, blocks
    return Told(led, happened, ahead, happenings.drafted(state, *known_before))
