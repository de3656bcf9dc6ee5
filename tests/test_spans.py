"""With which speeds events were seen to happen, and may therefore happen."""

import torch
from toys import tiny_dynamics

from worldsim.models.heads import Facts
from worldsim.models.parts import Clip, hands_losses
from worldsim.models.spans import Spans

NAN = float("nan")


def test_spans_hold_what_was_seen_and_a_little_more():
    spans = Spans(3)
    events = torch.tensor([[1.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    spans.widen(events, torch.tensor([[-0.5, -0.25], [-1.0, 0.0], [0.5, 0.5]]))
    speeds = torch.tensor([[-0.75, -0.1], [-0.45, -0.1], [-0.2, -0.1], [0.0, 0.0], [NAN, -0.1]])
    assert spans.fit(speeds).tolist() == [
        [True, True, True],
        [True, True, True],  # beyond what was seen, but hardly
        [False, True, True],
        [False, True, True],
        [True, True, True],  # nobody knows
    ]


def test_what_nobody_knows_the_speed_of_is_not_taken_in():
    spans = Spans(1)
    spans.widen(torch.ones(2, 1), torch.tensor([[NAN, 0.0], [0.5, 0.5]]))
    assert spans.fit(torch.tensor([[0.0, 0.0], [0.5, 0.5]]))[:, 0].tolist() == [False, True]


def test_hands_take_in_what_they_learn_from():
    torch.manual_seed(0)
    hands = tiny_dynamics(events=["hurt", "never"]).hands.train()
    motion = torch.zeros(1, 7, 5)
    motion[0, :, 2] = torch.arange(7) / 8
    events = torch.zeros(1, 8, 2)
    events[0, 5, 0] = 1  # in the tick of motion 4, after that of motion 3
    latents = torch.randn(1, 8, 2, 8, 8)
    clip = Clip(latents, torch.zeros(1, 7, 3), Facts(motion=motion), events=events)
    hands_losses(hands, latents, clip, torch.Generator().manual_seed(0))
    assert (hands.spans.low[0] / 1024).tolist() == [3 / 8, 4 / 8]
    assert torch.equal(hands.spans.low[0], hands.spans.high[0])
    assert hands.spans.fit(torch.zeros(1, 2)).tolist() == [[False, True]]
    hands.eval()
    hands_losses(hands, latents, Clip(latents, clip.actions, clip.facts, events=1 - events),
                 torch.Generator().manual_seed(0))  # fmt: skip
    assert hands.spans.fit(torch.zeros(1, 2)).tolist() == [[False, True]]
