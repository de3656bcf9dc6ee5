"""Drafts: where something happens, and there alone, what is known of a frame is drawn anew."""

import pytest
import torch
from simulated import camera_simulator, moves, started
from toys import tiny_dynamics

from worldsim.camera import CHANNELS, CameraConfig
from worldsim.models.draft import Draft, undrawn
from worldsim.models.flow import FlowConfig, part_objective, with_draft
from worldsim.models.parts import Clip, draft_losses, evenly

CAMERA = CameraConfig(field_of_view=70.0, pitch=1, yaw=2)


def draft(stirred: bool = True) -> Draft:
    """Of two latent channels, an action of a key and a switch, and one event."""
    torch.manual_seed(0)
    made = Draft(2, 2, [], [1], 1, width=16, blocks=2)
    if stirred:
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return made.requires_grad_(False)


def known(b: int, f: int) -> torch.Tensor:
    prior = torch.randn(b, f, 2 + CHANNELS, 8, 8)
    prior[:, :, 2:] = 1.0
    return prior


def noise(prior: torch.Tensor) -> torch.Tensor:
    return torch.randn(prior[:, :, :-CHANNELS].shape, generator=torch.Generator().manual_seed(1))


def test_there_is_something_to_draw_after_an_event_or_a_switch() -> None:
    actions = torch.tensor([[0.0, 0], [1, 0], [0, 1], [0, 0]])
    events = torch.tensor([[0.0], [0], [0], [1]])
    assert draft().occasions(actions, events).tolist() == [False, False, True, True]


def test_only_known_places_change_and_only_where_something_happens() -> None:
    prior = known(1, 3)
    prior[:, :, 2:, :, 4:] = 0.0
    actions, events = torch.zeros(1, 3, 2), torch.tensor([[[0.0], [1.0], [0.0]]])
    drafted = draft().drafted(prior, actions, events, noise(prior))
    assert torch.equal(drafted.prior[:, [0, 2]], prior[:, [0, 2]])
    assert torch.equal(drafted.prior[:, :, :, :, 4:], prior[:, :, :, :, 4:])
    assert not torch.equal(drafted.prior[:, 1], prior[:, 1])
    assert torch.equal(drafted.prior[:, :, 2:], prior[:, :, 2:])
    assert drafted.share[:, 1].max() > 0.5
    assert not drafted.share[:, [0, 2]].any()
    latents = torch.randn(1, 3, 2, 8, 8)
    sure = (drafted.share == 1).expand_as(latents)
    drawn = drafted.drawn(latents)
    assert torch.equal(drawn[sure], drafted.prior[:, :, :2][sure])
    same = (drafted.share == 0).expand_as(latents)
    assert torch.equal(drawn[same], latents[same])


def test_a_veil_over_everything_is_not_drawn() -> None:
    prior, made = known(1, 1), draft()
    made.end.weight.fill_(0.0)
    made.end.bias.fill_(3.0)
    actions, events = torch.zeros(1, 1, 2), torch.ones(1, 1, 1)
    drafted = made.drafted(prior, actions, events, noise(prior))
    assert torch.equal(drafted.prior, prior)
    assert not drafted.share.any()
    prior[:, :, 2:, :, 5:] = 0.0  # of which nothing is known
    assert made.drafted(prior, actions, events, noise(prior)).share.any()


def test_an_untaught_draft_changes_nothing() -> None:
    prior = known(2, 1)
    drafted = draft(stirred=False).drafted(
        prior, torch.ones(2, 1, 2), torch.ones(2, 1, 1), noise(prior)
    )
    assert torch.equal(drafted.prior, prior)
    assert torch.equal(drafted.share, undrawn(prior).share)


def placing(b: int, g: torch.Generator) -> Clip:
    """A block appears in the middle when the event happens, of the colour shown in a corner."""
    prior = torch.zeros(b, 2, 2 + CHANNELS, 8, 8)
    prior[:, :, 2:] = 1.0
    hand = torch.randint(0, 2, (b, 1, 1, 1, 1), generator=g) * 2.0 - 1
    prior[:, :, :1, 6:, :2] = hand
    latents = prior[:, :, :2].clone()
    latents[:, 1:, :, 2:4, 3:5] = hand
    return Clip(latents, torch.zeros(b, 1, 2), prior=prior, events=torch.ones(b, 2, 1))


def test_a_draft_learns_what_an_event_looks_like_from_what_is_in_hand() -> None:
    made, g = draft(stirred=False).requires_grad_(True), torch.Generator().manual_seed(0)
    optimizer, law = torch.optim.AdamW(made.parameters(), 3e-3), FlowConfig(unknown_prior=0.0)
    for _ in range(120):
        loss, parts = part_objective(made, placing(16, g), law, g)
        assert set(parts) == {"draft"}
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    clip = placing(16, g)
    assert clip.prior is not None
    with torch.no_grad():
        drafted = made.drafted(
            clip.prior[:, 1:], clip.actions, torch.ones(16, 1, 1), noise(clip.prior[:, 1:])
        )
    middle = drafted.prior[:, 0, :2, 2:4, 3:5]
    truth = clip.latents[:, 1, :, 2:4, 3:5]
    assert float((middle - truth).square().mean()) < 0.1
    assert drafted.share[:, 0, 0, 2:4, 3:5].min() > 0.5
    assert drafted.share[:, 0, 0, 5:].max() < 0.5


def test_each_kind_of_event_counts_alike_and_so_does_what_is_held() -> None:
    events = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 0]])
    changes, known = torch.zeros(4, 2, 8, 8), torch.ones(4, 8, 8)
    changes[:2, :, :3] = 30.0  # a hole; of two draws, one is larger
    changes[1] *= 2
    changes[2, :, :1, 0] = 30.0  # a crack
    changes[3, :, 6:, :2] = 9.0  # another slot
    weights = evenly(known, changes, events)
    assert torch.equal(weights[0], weights[1])
    lost = (weights * changes.square().mean(1)).sum((1, 2))
    assert float(lost[:2].mean()) == pytest.approx(1.0, rel=0.05)
    assert float(lost[2]) == pytest.approx(1.0, rel=0.05)
    assert float(lost[3]) == pytest.approx(1.0, rel=0.05)
    assert torch.equal(weights[0, 0, :6].unique(), weights[0, 0, :1])


def test_a_clip_in_which_nothing_happens_teaches_nothing() -> None:
    clip = placing(2, torch.Generator())
    clip.events = torch.zeros(2, 2, 1)
    assert float(draft_losses(draft(), clip, torch.Generator())["draft"]) == 0
    model = tiny_dynamics(camera=CAMERA, events=["placed"])
    assert model.draft is not None
    clip.actions = torch.zeros(2, 1, 3)
    assert torch.equal(with_draft(model, clip, torch.Generator()).prior, clip.prior)
    clip.events = torch.ones(2, 2, 1)
    clip.prior[:, :, 2:, :, 5:] = 0.0  # of all is known, an untaught draft changes all
    drawn = with_draft(model, clip, torch.Generator()).prior
    assert torch.equal(drawn[:, 0], clip.prior[:, 0])  # nobody knows what led to the first
    assert not torch.equal(drawn[:, 1], clip.prior[:, 1])


def test_a_dream_shows_what_is_drafted_and_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worldsim.models.draft._VEIL", 1.0)  # an untaught draft changes all
    sim = camera_simulator(events=["placed"])
    pressed = moves([0, 1], 0)
    pressed[:, :, 0] = 0.0
    pressed[0, :, 1], pressed[1, :, 1] = 1.0, 0.0  # one game presses the switch
    state = started(sim, [0, 1])
    with torch.inference_mode():  # as dreams are
        drafted = sim._told(state, torch.as_tensor(pressed)).drafted
    assert drafted.share[0].max() > 0
    assert not drafted.share[1].any()
    after, step = sim.step(state, pressed)
    sure = (drafted.share == 1).expand_as(step.latents)
    assert sure.any()
    shown = drafted.prior[:, :, : step.latents.shape[2]]
    assert torch.allclose(step.latents[sure], shown[sure].float(), atol=1e-5)
    fresh = (drafted.share[0, 0, 0] > 0).repeat_interleave(4, 0).repeat_interleave(4, 1).numpy()
    kept = after.panoramas[0].frame[fresh] == step.frames[0, 0][fresh]
    assert kept.mean() > 0.9  # but under the cross
    _, alone = sim.step(started(sim, [0]), pressed[:1])
    assert torch.allclose(alone.latents, step.latents[:1], atol=1e-4)


def test_what_is_not_certain_is_drawn_as_one_or_the_other() -> None:
    made, g = draft(stirred=False).requires_grad_(True), torch.Generator().manual_seed(0)
    optimizer, law = torch.optim.AdamW(made.parameters(), 3e-3), FlowConfig(unknown_prior=0.0)
    for _ in range(200):
        loss, _ = part_objective(made, hidden(16, g), law, g)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    clip = hidden(64, g)
    assert clip.prior is not None
    prior, events = clip.prior[:, 1:], torch.ones(64, 1, 1)
    with torch.no_grad():
        drafted = made.drafted(prior, clip.actions, events, noise(prior))
        again = made.drafted(prior, clip.actions, events, noise(prior))
    assert torch.equal(drafted.prior, again.prior)
    colours = drafted.prior[:, 0, 0, 2:4, 3:5].mean((1, 2))
    assert colours.abs().median() > 0.4  # the mean of both would be none
    assert 0.2 < float((colours > 0).float().mean()) < 0.8


def test_guidance_leaves_what_is_certain_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sure = torch.randn(2, 2, 8, 8)
    asked: list[float] = []

    def told(*given: torch.Tensor) -> torch.Tensor:
        asked.append(float(given[4][0]))
        return sure

    made, prior = draft(), known(2, 1)
    monkeypatch.setattr(made, "forward", told)
    drawn = made.drawn(prior[:, 0], torch.zeros(2, 2), torch.ones(2, 1), noise(prior)[:, 0])
    assert torch.allclose(drawn, sure, atol=1e-5)
    assert asked[0] == 1.0
    assert len(asked) == 2
    assert max(asked[1:]) < 0.8  # which are not guided


def test_guidance_makes_what_is_first_made_of_noise_louder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mean, made, prior = torch.ones(2, 2, 8, 8), draft(), known(2, 1)

    def told(*given: torch.Tensor) -> torch.Tensor:
        return mean if given[4][0] == 1.0 else given[3]  # after that, what is there is kept

    monkeypatch.setattr(made, "forward", told)
    zeros = torch.zeros(2, 2, 8, 8)
    drawn = made.drawn(prior[:, 0], torch.zeros(2, 2), torch.ones(2, 1), zeros)
    assert (drawn > mean / 4).all()  # a quarter of the way is the first of four steps


def hidden(b: int, g: torch.Generator) -> Clip:
    """As `placing`, but nothing tells the colour."""
    clip = placing(b, g)
    assert clip.prior is not None
    clip.prior[:, :, :1, 6:, :2] = 0.0
    clip.latents[:, :, :1, 6:, :2] = 0.0
    return clip
