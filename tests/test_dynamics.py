"""The transformer: play equals training, and who may know what of whom."""

import pytest
import torch
from torch import Tensor
from toys import tiny_dynamics

from worldsim.camera import CHANNELS, CameraConfig
from worldsim.models.cache import Cache
from worldsim.models.clip import Sight
from worldsim.models.dynamics import Dynamics, DynamicsConfig
from worldsim.models.heads import body_motion, moved
from worldsim.models.prior import Prior
from worldsim.models.scene import Prediction

B, WINDOW = 2, 8
CAMERA = CameraConfig(field_of_view=70.0, pitch=1, yaw=2)
NAMES = ["broken", "placed"]


class Clip:
    """Random inputs of a forward pass, each a leaf that gradients reach."""

    def __init__(self, t: int, side: int = 4) -> None:
        torch.manual_seed(1)
        self.clean, self.noisy = torch.randn(2, B, t, 2, side, side)
        self.clean_level, self.noisy_level = 0.1 * torch.rand(B, t), torch.rand(B, t)
        self.actions = 3 * torch.randn(B, t - 1, 3)
        self.prior = torch.randn(B, t, 2 + CHANNELS, side, side)
        self.events = (torch.rand(B, t - 1, 2) > 0.5).float()
        for leaf in (self.clean, self.noisy, self.actions):
            leaf.requires_grad_()

    def predict(self, model: Dynamics, **options: object) -> Prediction:
        told = self.clean_level, self.noisy_level, self.actions
        options = {"prior": self.prior, "events": self.events, **options}
        return model(self.clean, self.noisy, *told, **options)

    def influence(self, output: Tensor) -> tuple[list[bool], list[bool], list[bool]]:
        """Which clean frames, noisy frames and actions reach the output at all."""
        leaves = (self.clean, self.noisy, self.actions)
        gradients = torch.autograd.grad(output.square().sum(), leaves, materialize_grads=True)
        clean, noisy, actions = (g.transpose(0, 1).flatten(1).any(1).tolist() for g in gradients)
        return clean, noisy, actions


def play(model: Dynamics, clip: Clip, chunk: int, room: int) -> tuple[Tensor, Tensor, Cache]:
    """Every frame denoised once and committed as it is in the clip, chunk by chunk."""
    t = clip.clean.shape[1]
    cache = model.empty_cache(B, (4, 4), torch.float32, room)
    actions = torch.cat([torch.zeros(B, 1, 3), clip.actions], 1)
    events = torch.cat([torch.zeros(B, 1, 2), clip.events], 1)
    denoised, motion, i = [], [], 0
    while i < t:
        part = slice(i, i + (chunk if i else 1))
        known = torch.full(actions[:, part].shape[:2], i > 0)
        told = {"prior": clip.prior[:, part], "events": events[:, part]}
        scene = model.scene(cache, actions[:, part], known, clip.clean, **told)
        denoised.append(model.denoise(scene, clip.noisy[:, part], clip.noisy_level[:, part]))
        levels = clip.clean_level[:, part]
        cache, outlook = model.commit(scene, clip.clean[:, part], levels)
        motion.append(outlook.motion)
        i = part.stop
    return torch.cat(denoised, 1), torch.cat(motion, 1), cache


@pytest.mark.parametrize("chunk", [1, 4])
@pytest.mark.parametrize(
    "changes", [{}, {"local_frames": 2}, {"camera": CAMERA}, {"events": ["broken", "placed"]}]
)
def test_play_is_the_forward_pass_far_beyond_the_window(
    changes: dict[str, object], chunk: int
) -> None:
    model, clip = tiny_dynamics(**changes), Clip(5 * WINDOW + 1)
    with torch.no_grad():
        whole = clip.predict(model, chunk=chunk)
        denoised, motion, cache = play(model, clip, chunk, room=WINDOW)
    assert torch.allclose(denoised, whole.latents, atol=2e-5)
    assert torch.allclose(motion, whole.outlook.motion, atol=1e-4)
    assert cache.age.tolist() == [5 * WINDOW + 1] * B
    assert cache.log.far.shape[-2] == WINDOW - 1 + WINDOW


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_noisy_frame_sees_the_clean_past_of_its_chunk_and_the_chunk(chunk: int) -> None:
    model, clip, t = tiny_dynamics(window=16), Clip(7), 7
    latents = clip.predict(model, chunk=chunk).latents
    for i in range(1, t):
        start = 1 + (i - 1) // chunk * chunk
        clean, noisy, actions = clip.influence(clip.predict(model, chunk=chunk).latents[:, i])
        assert clean == [j < start for j in range(t)]
        assert noisy == [start <= j < start + chunk for j in range(t)]
        assert actions == [j < start - 1 + chunk for j in range(t - 1)]
    assert latents.shape == clip.clean.shape


def test_a_committed_frame_knows_itself_and_its_past() -> None:
    model, clip, t = tiny_dynamics(window=16), Clip(6), 6
    for i in range(t):
        outlook = clip.predict(model, chunk=2).outlook
        clean, noisy, actions = clip.influence(outlook.motion[:, i])
        assert clean == [j <= i for j in range(t)]
        assert noisy == [False] * t
        assert actions == [j < i for j in range(t - 1)]


def test_one_block_reaches_as_far_as_the_window() -> None:
    model, clip = tiny_dynamics(blocks=1, window=3), Clip(7)
    clean, _, _ = clip.influence(clip.predict(model).latents[:, 6])
    assert clean == [False] * 4 + [True] * 2 + [False]


def test_an_action_led_to_the_frame_after_it() -> None:
    model, clip = tiny_dynamics(blocks=1, window=2, heads_time=1), Clip(5)
    model.blocks[0].attention.out.weight.data.zero_()  # no frame reads another
    _, _, actions = clip.influence(clip.predict(model).latents[:, 3])
    assert actions == [False, False, True, False]


def test_a_prior_matters_to_its_own_frame_alone() -> None:
    model, clip = tiny_dynamics(camera=CAMERA), Clip(6)
    clip.prior.requires_grad_()
    prediction = clip.predict(model)
    (gradient,) = torch.autograd.grad(prediction.latents[:, 3].square().sum(), clip.prior)
    assert gradient.abs().sum((0, 2, 3, 4)).bool().tolist() == [False] * 3 + [True] + [False] * 2
    (gradient,) = torch.autograd.grad(
        clip.predict(model).outlook.motion.sum(), clip.prior, materialize_grads=True
    )
    assert not gradient.any()


def test_an_event_is_told_to_its_frame_and_to_those_after_it() -> None:
    model, clip = tiny_dynamics(events=NAMES), Clip(6)
    clip.events.requires_grad_()
    shown = clip.predict(model).latents[:, 3]
    (gradient,) = torch.autograd.grad(shown.square().sum(), clip.events)
    assert gradient.abs().sum((0, 2)).bool().tolist() == [True] * 3 + [False] * 2


def test_what_is_trusted_is_copied_where_it_is_known() -> None:
    part = Prior(numbers=8, patch=2, d=4)
    prior = torch.arange(20.0)
    prior[8:12] = torch.tensor([1.0, 0.5, 0.0, 1.0])  # known, of the patch's four cells
    with torch.no_grad():
        part.trust.bias.fill_(100)
        mixed = part.mixed(torch.zeros(8), torch.zeros(4), prior)
        assert mixed.tolist() == [0, 0.5, 0, 3, 4, 2.5, 0, 7]
        part.trust.bias.fill_(-100)
        assert not part.mixed(torch.zeros(8), torch.zeros(4), prior).any()


def test_withheld_actions_do_not_matter_and_known_ones_do() -> None:
    model, clip = tiny_dynamics(), Clip(4)
    known = torch.tensor([[True, False, True]]).expand(B, 3)
    _, _, actions = clip.influence(clip.predict(model, known=known).latents)
    assert actions == [True, False, True]


def test_sight_may_look_into_the_future() -> None:
    model, clip, t = tiny_dynamics(blocks=1), Clip(5), 5
    frame, own = torch.arange(t), torch.eye(t, dtype=torch.bool)
    far = frame[None] > 1 + frame[:, None]
    time = torch.cat([torch.cat([own, ~own & own], 1), torch.cat([far, own], 1)])
    following = (frame + 1 < t)[:, None]
    sight = Sight(time, (1,), following.repeat(2, 1), torch.zeros(t, 1, dtype=torch.bool))
    for i, expected in ((1, [2, 3, 4]), (3, [4]), (4, [])):
        clean, noisy, _ = clip.influence(clip.predict(model, sight=sight).latents[:, i])
        assert clean == [j in expected for j in range(t)]
        assert noisy == [j == i for j in range(t)]


def test_a_hundred_thousand_frames_later_nothing_has_changed() -> None:
    model, clip = tiny_dynamics(blocks=1), Clip(WINDOW + 3)
    actions = torch.zeros(B, 1, 3)
    results = []
    for age in (0, 100_000):
        cache = model.empty_cache(B, (4, 4), torch.float32)
        cache.age.fill_(age)
        for i in range(WINDOW + 3):
            part, known = slice(i, i + 1), torch.ones(B, 1, dtype=torch.bool)
            scene = model.scene(cache, actions, known, clip.clean)
            with torch.no_grad():
                denoised = model.denoise(scene, clip.noisy[:, part], clip.noisy_level[:, part])
                cache, _ = model.commit(scene, clip.clean[:, part], clip.clean_level[:, part])
        results.append(denoised)
    assert torch.allclose(*results, atol=1e-5)


def test_a_cache_that_was_overtaken_keeps_its_past() -> None:
    model, clip = tiny_dynamics(), Clip(6)
    with torch.no_grad():
        _, _, cache = play(model, clip, 1, room=16)
        known, led = torch.ones(B, 1, dtype=torch.bool), clip.actions[:, :1]

        def draw(branch: Cache, frame: int) -> tuple[Tensor, Cache]:
            scene = model.scene(branch, led, known, clip.clean)
            x, level = clip.noisy[:, frame : frame + 1], clip.clean_level[:, :1]
            denoised = model.denoise(scene, x, level)
            return denoised, model.commit(scene, x, level)[0]

        first, left = draw(cache, 2)
        other, right = draw(cache, 3)
        again, _ = draw(cache, 2)
        assert left.log is cache.log
        assert right.log is not cache.log
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        before = {name: tensor.clone() for name, tensor in left.tensors().items()}
        draw(right, 4)
        assert all(torch.equal(tensor, before[name]) for name, tensor in left.tensors().items())


def test_a_cache_refuses_more_frames_than_fit() -> None:
    cache = tiny_dynamics().empty_cache(1, (4, 4), torch.float32, room=4)
    with pytest.raises(ValueError, match="5 frames at once; a cache takes 1 to 4"):
        cache.opened(5)


def test_any_grid_of_patches_fits() -> None:
    model = tiny_dynamics()
    latents, level = torch.randn(1, 3, 2, 4, 6), torch.rand(1, 3)
    prediction = model(latents, latents, level, level, torch.randn(1, 2, 3))
    assert prediction.latents.shape == latents.shape


def test_text_and_step_size_are_heard_where_there_is_room_for_them() -> None:
    clip, text = Clip(3), torch.randn(B, 5)
    with pytest.raises(ValueError, match="text_width 0"):
        clip.predict(tiny_dynamics(), text=text)
    model = tiny_dynamics(text_width=5)
    plain = clip.predict(model).latents
    assert not torch.allclose(clip.predict(model, text=text).latents, plain)
    stepped = clip.predict(model, step=torch.ones(B, 3))
    assert not torch.allclose(stepped.latents, plain)
    assert torch.equal(stepped.outlook.motion, clip.predict(model).outlook.motion)


def test_a_new_model_predicts_zero_and_parameters_are_split_in_two() -> None:
    model = Dynamics(DynamicsConfig(width=64, blocks=2))
    latents, level = torch.randn(1, 2, 8, 16, 16), torch.rand(1, 2)
    prediction = model(latents, latents, level, level, torch.randn(1, 1, 21))
    assert torch.equal(prediction.latents, torch.zeros_like(latents))
    matrices, rest = model.parameter_groups()
    assert len(matrices) == 2 * 4
    assert all(matrix.ndim == 2 for matrix in matrices)
    assert len({id(p) for p in [*matrices, *rest]}) == len(list(model.parameters()))


def test_motion_is_what_the_body_feels() -> None:
    poses = torch.tensor([[[0, 64, 0, 90, 0], [-3, 64, 2, 100, 5], [-3, 65, 2, -170, 5]]]).float()
    motion = body_motion(poses)
    assert torch.allclose(motion[0, 0], torch.tensor([3.0, -2, 0, 10, 5]), atol=1e-5)
    assert torch.allclose(motion[0, 1], torch.tensor([0.0, 0, 1, 90, 0]), atol=1e-5)
    poses = 10 * torch.randn(4, 2, 5)
    assert torch.allclose(moved(poses[:, 0], body_motion(poses)[:, 0]), poses[:, 1], atol=1e-4)
