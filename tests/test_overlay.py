"""What is laid over the view after an event is told by a network that sees little else."""

from dataclasses import replace

import pytest
import torch
from test_happenings import biased
from test_simulator import context, simulator
from toys import tiny_dynamics

from worldsim.camera import CHANNELS, CameraConfig
from worldsim.errors import UserError
from worldsim.models.draft import Drafted, undrawn
from worldsim.models.overlay import Overlay, overlay_loss
from worldsim.models.parts import Clip, overlay_losses
from worldsim.training.parted import refuse_part

CAMERA = CameraConfig(field_of_view=70.0, pitch=1, yaw=2, walking=[0], overlay=0.25)
Z, SIDE, ROWS, K = 2, 8, 2, 3


def overlay(blocks: int = 1) -> Overlay:
    torch.manual_seed(0)
    return Overlay(Z, 3, [2], [1], K, CAMERA.overlay, width=16, blocks=blocks)


def moments(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Latents that are level below, actions, and events of which one happens."""
    latents = torch.randn(n, Z, SIDE, SIDE)
    latents[:, :, -ROWS:] = torch.randn(n, Z, 1, 1)
    return latents, torch.randn(n, 3), torch.eye(K)[torch.randint(K, (n,))]


def test_untaught_it_changes_nothing_and_afterwards_only_its_own_rows() -> None:
    network, (latents, actions, events) = overlay(), moments(4)
    assert network.rows(SIDE) == ROWS
    changes = network(latents, actions, events)
    assert changes.shape == (4, Z, ROWS, SIDE)
    assert not changes.any()
    torch.nn.init.ones_(network.end.bias)
    prior = torch.cat([latents, torch.ones(4, CHANNELS, SIDE, SIDE)], 1)[:, None]
    laid = network.laid(undrawn(prior), prior, actions, events)
    assert torch.equal(laid.prior[:, :, :, :-ROWS], prior[:, :, :, :-ROWS])
    assert torch.equal(laid.prior[:, :, -CHANNELS:], prior[:, :, -CHANNELS:])
    changed = laid.prior[:, 0, :Z, -ROWS:] - latents[:, :, -ROWS:]
    assert torch.allclose(changed, network(latents, actions, events), atol=1e-5)
    assert (laid.share[:, :, :, -ROWS:] == 1).all()
    assert not laid.share[:, :, :, :-ROWS].any()


def test_it_learns_what_each_event_changes() -> None:
    network = overlay()
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    made = torch.tensor([0.0, 1.0, -1.0])
    for _ in range(150):
        latents, actions, events = moments(64)
        true = (events @ made)[:, None, None, None].expand(64, Z, ROWS, SIDE)
        loss = overlay_loss(network(latents, actions, events), true)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    latents, actions, events = moments(64)
    told = network(latents, actions, events).mean((1, 2, 3))
    assert (told - events @ made).abs().max() < 0.3


def test_a_clip_teaches_it_what_its_events_changed() -> None:
    network, (latents, actions, events) = overlay(), moments(6)
    prior = torch.cat([latents, torch.ones(6, CHANNELS, SIDE, SIDE)], 1)[:, None].repeat(
        1, 2, 1, 1, 1
    )
    after = latents.clone()
    after[:, :, -ROWS:] += 2.0
    happened = torch.stack([torch.zeros(6, K), events], 1)
    clip = Clip(torch.stack([latents, after], 1), actions[:, None], prior=prior, events=happened)
    loss = overlay_losses(network, clip)["overlay"]
    assert torch.allclose(
        loss, overlay_loss(torch.zeros(6, Z, ROWS, SIDE), after[:, :, -ROWS:] * 0 + 2)
    )
    nothing = replace(clip, events=happened * 0, actions=0 * clip.actions)
    assert overlay_losses(network, nothing)["overlay"] == 0
    assert overlay_losses(network, replace(clip, events=None)) == {}


@pytest.mark.parametrize(("name", "heard"), [("placed", True), ("damage", False)])
def test_a_dream_shows_what_it_tells_of_deeds_and_not_of_pain(name: str, heard: bool) -> None:
    model = tiny_dynamics(events=[name], camera=CAMERA, overlay=True)
    sim = simulator(model)
    biased(sim, 30.0)
    state = sim.reset(*context([0]), [0])
    _, before = sim.step(state, torch.zeros(1, 1, 3))
    torch.nn.init.constant_(sim._happenings._overlay.end.bias, 3.0)
    _, after = sim.step(state, torch.zeros(1, 1, 3))
    rows = sim._happenings._overlay.rows(before.latents.shape[-2])
    changed = (after.latents - before.latents).abs().amax((0, 1, 2, 4))
    assert (changed[-rows:] > 1).all() == heard
    assert changed[:-rows].max() < 1


def test_part_overlay_needs_a_model_that_has_one() -> None:
    shape = tiny_dynamics(events=["placed"], camera=CAMERA).config
    with pytest.raises(UserError, match=r"model\.overlay=true"):
        refuse_part("overlay", shape, True)
    refuse_part("overlay", replace(shape, overlay=True), True)


@pytest.mark.parametrize(("name", "drafted"), [("placed", True), ("item_dropped", False)])
def test_nothing_else_is_drafted_where_only_what_is_held_changes(
    name: str, drafted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = simulator(tiny_dynamics(events=[name], camera=CAMERA, overlay=True))
    biased(sim, 30.0)
    asked: list[int] = []
    draft = sim._happenings._draft
    drawn = draft.drafted

    def listen(prior: torch.Tensor, *rest: torch.Tensor) -> Drafted:
        asked.append(len(prior))
        return drawn(prior, *rest)

    monkeypatch.setattr(draft, "drafted", listen)
    sim.step(sim.reset(*context([0]), [0]), torch.zeros(1, 1, 3))
    assert bool(asked) == drafted
