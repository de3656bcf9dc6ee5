"""Bodies and hands: what is foretold of players, in parts as in one go."""

import numpy as np
import pytest
import torch
from test_dynamics import CAMERA, NAMES, B, Clip
from toys import tiny_dynamics

from worldsim.memory.tilt import surest
from worldsim.models.body import MEASURED, NEAR, partly_known
from worldsim.models.hands import Hands, events_loss
from worldsim.models.level import Level, level_loss
from worldsim.models.parts import unstirred


def test_a_body_goes_on_from_where_it_was() -> None:
    model, clip = tiny_dynamics(camera=CAMERA), Clip(6)
    led = torch.nn.functional.pad(clip.actions, (0, 0, 1, 0))
    body = model.body
    whole = body(clip.clean, led, body.start(B))
    first = body(clip.clean[:, :2], led[:, :2], body.start(B))
    assert torch.allclose(
        body.coming(first.bodies[:, -1], led[:, 2]), whole.expected[:, 2], atol=1e-6
    )
    rest = body(clip.clean[:, 2:], led[:, 2:], first.bodies[:, -1], clip.clean[:, 1])
    for name in ("bodies", "expected", "felt"):
        both = torch.cat([getattr(first, name), getattr(rest, name)], 1)
        assert torch.allclose(both, getattr(whole, name), atol=1e-4)
    assert tiny_dynamics().body is None


def test_a_body_believes_what_was_measured_as_far_as_it_trusts_it() -> None:
    model, clip = tiny_dynamics(camera=CAMERA), Clip(6)
    led = torch.nn.functional.pad(clip.actions, (0, 0, 1, 0))
    measured = torch.full((B, 6, MEASURED), torch.nan)
    measured[:, 2] = torch.arange(1.0, 8.0)
    body = model.body
    own = body(clip.clean, led, body.start(B))
    told = body(clip.clean, led, body.start(B), measured=measured)
    assert torch.equal(own.expected[:, :3], told.expected[:, :3])  # foretold before it is measured
    assert torch.equal(own.felt[:, :2], told.felt[:, :2])
    torch.nn.init.zeros_(body.feel[-1].weight)
    for trust, share in ((100.0, 1.0), (-100.0, 0.0)):
        body.feel[-1].bias.data = torch.tensor([trust] * 3 + [0.0] * 3)
        felt = body(clip.clean, led, body.start(B), measured=measured).felt
        assert torch.allclose(felt[:, 2], share * measured[:, 2, :3])
        assert not felt[:, [0, 1, 3, 4, 5]].any()


def test_a_body_walks_through_dreams_as_it_expects_to() -> None:
    model, clip = tiny_dynamics(camera=CAMERA), Clip(6)
    led = torch.nn.functional.pad(clip.actions, (0, 0, 1, 0))
    body, near = model.body, torch.rand(B, 6, NEAR)
    start = body(clip.clean[:, :2], led[:, :2], body.start(B)).bodies[:, -1]
    motions = body.walked(led[:, 2:], start, near[:, 2:])
    for i in range(4):
        expected = body.coming(start, led[:, 2 + i], near[:, 2 + i])
        assert torch.equal(motions[:, i], expected)
        start = body.dreamed(led[:, 2 + i], start, expected)
        assert torch.equal(start[:, -3:], expected)


@pytest.mark.parametrize("liquids", [False, True])
def test_only_bodies_that_are_told_liquids_feel_them(liquids: bool) -> None:
    model, clip = tiny_dynamics(camera=CAMERA, liquids=liquids), Clip(2)
    body, near = model.body, torch.rand(B, NEAR)
    if liquids:
        torch.nn.init.normal_(body.swim[-1].weight)
    state = body.start(B) + 0.1
    dry = torch.cat([near[:, : NEAR * 2 // 3], torch.zeros(B, NEAR // 3)], 1)
    first, second = (body.coming(state, clip.actions[:, 0], cells) for cells in (near, dry))
    assert torch.equal(first, second) == (not liquids)
    assert not torch.equal(body.coming(state, clip.actions[:, 0], 0 * near), second)


def test_a_level_learns_where_a_camera_points_and_when_it_cannot_tell() -> None:
    torch.manual_seed(0)
    level = Level(1, width=8)
    optimizer = torch.optim.Adam(level.parameters(), 3e-3)

    def horizons(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Frames of a horizon, in two of three at least, and how far down they look."""
        pitches = torch.rand(n) * 60 - 30
        below = torch.linspace(-1, 1, 8)[None] > -pitches[:, None] / 30
        plain = torch.rand(n) < 0.3
        rows = below.float() * ~plain[:, None]
        return rows[:, None, :, None].expand(n, 1, 8, 8).contiguous(), pitches, plain

    for _ in range(150):
        latents, pitches, _ = horizons(64)
        optimizer.zero_grad()
        level_loss(level(latents), pitches).backward()
        optimizer.step()
    latents, pitches, plain = horizons(256)
    told = level(latents)
    error = (told.pitches - pitches).abs()
    assert error[~plain].mean() < 6
    assert told.unsure[plain].min() > 2 * told.unsure[~plain].median()


def test_who_has_seen_several_frames_goes_by_thesurest() -> None:
    assert surest(np.array([9.0, 1.0, 5.0]), np.array([1.0, 1.0, 1.0])) == 5
    assert surest(np.array([9.0, 1.0, 5.0]), np.array([0.1, 1.0, 1.0])) == 9


def test_a_dull_dream_shows_what_changes_much_and_nothing_else() -> None:
    latents = torch.zeros(1, 4, 2, 4, 4)
    latents[:, 1, :, 0, 0] = 1.0  # a crack
    latents[:, 2] = 1.0  # a turn
    latents[:, 3] = 1.0
    latents[:, 3, :, 0, 0] = 0.5
    shown = unstirred(latents)
    assert torch.equal(shown[:, [0, 2]], latents[:, [0, 2]])
    assert torch.equal(shown[:, 1], latents[:, 0])
    assert torch.equal(shown[:, 3], latents[:, 2])


def test_hands_go_on_from_where_they_were() -> None:
    model, clip = tiny_dynamics(events=NAMES), Clip(6)
    led = torch.nn.functional.pad(clip.actions, (0, 0, 1, 0))
    events = torch.nn.functional.pad(clip.events, (0, 0, 1, 0))
    hands = model.hands
    whole = hands(clip.clean, led, events, hands.start(B))
    first = hands(clip.clean[:, :2], led[:, :2], events[:, :2], hands.start(B))
    rest = hands(clip.clean[:, 2:], led[:, 2:], events[:, 2:], first[:, -1])
    assert torch.allclose(torch.cat([first, rest], 1), whole, atol=1e-5)
    assert hands.logits(whole, led).shape == (B, 6, 2)
    assert tiny_dynamics().hands is None


def test_a_first_frame_has_no_measurement_in_training() -> None:
    known = partly_known(torch.ones(64, 3, MEASURED), torch.Generator().manual_seed(0))
    assert known[:, 0].isnan().all()
    lost = known[:, 1:].isnan()
    assert torch.equal(lost.any((1, 2)), lost.all((1, 2)))
    assert 0 < lost.any((1, 2)).sum() < 40


def held(b: int, t: int, g: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys (b, t, 1) that are held for a while, and what they bring about: each third tick."""
    keys = (torch.rand(b, t // 5 + 1, 1, generator=g) < 0.5).float().repeat_interleave(5, 1)[:, :t]
    events, count = torch.zeros(b, t, 1), torch.zeros(b, 1)
    for i in range(t):
        count = (count + 1) * keys[:, i]
        events[:, i] = (count == 3).float()
        count = count * (count < 3)
    return keys, events


def test_hands_learn_how_long_a_key_has_to_be_held() -> None:
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(0)
    hands = Hands(1, 1, [], 1, width=16)
    blank = torch.zeros(16, 24, 1, 8, 8)
    optimizer = torch.optim.AdamW(hands.parameters(), 1e-2)

    def told() -> tuple[torch.Tensor, torch.Tensor]:
        keys, events = held(16, 24, g)
        before, led = (torch.nn.functional.pad(x, (0, 0, 1, -1)) for x in (events, keys))
        return hands.logits(hands(blank, led, before, hands.start(16)), keys), events

    first, _ = told()
    assert (first.sigmoid() < 0.05).all()  # who knows nothing says that hardly anything happens
    for _ in range(120):
        logits, events = told()
        optimizer.zero_grad()
        events_loss(logits, events).backward()
        optimizer.step()
    with torch.no_grad():
        logits, events = told()
    assert (logits[events > 0] > 0).float().mean() > 0.9
    assert (logits[events == 0] < 0).float().mean() > 0.95
