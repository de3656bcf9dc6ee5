"""The simulator: a tokenizer and a dynamics model that play. Its state is a value.

    state = simulator.reset(frames, actions, seeds)
    state, step = simulator.step(state, actions)

A state can be kept, stepped twice, split into rows, joined, saved: every step of equal states with
equal actions gives equal frames.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.both import Handed, both
from worldsim.coding import decoded, encoded
from worldsim.data.frames import Pixels
from worldsim.errors import UserError
from worldsim.foretold import foretold
from worldsim.happenings import Happenings
from worldsim.inputs import as_actions, as_context, as_pictures
from worldsim.memory.daylight import Daylight
from worldsim.memory.panoramas import from_arrays
from worldsim.memory.vistas import Vistas
from worldsim.models.cache import Cache, restored
from worldsim.models.depth import Depth
from worldsim.models.dynamics import Dynamics
from worldsim.models.heads import Outlook
from worldsim.models.packed import pack
from worldsim.models.sampler import SAMPLERS, Denoise, noised, schedule
from worldsim.models.scene import Scene
from worldsim.models.tokenizer import Tokenizer
from worldsim.noise import noise_of
from worldsim.state import SEEN, State, Step, as_seeds
from worldsim.surroundings import Given, Surroundings, Told
from worldsim.trail import Kept, Move
from worldsim.trained import played


@dataclass
class SimulatorConfig:
    """How frames are drawn."""

    steps: int = 2
    """Sampling steps a frame; with the pass that commits it, steps + 1 passes of the network."""
    distilled: int = 0
    """Steps that the network has learnt to make as one who makes many would (`worldsim distill`):
    in so many it is told how large they are. 0: none."""
    sampler: str = "euler"
    shift: float = 1.0
    """More than 1 spends more of the steps on high noise."""
    commit_level: float = 0.05
    """Noise put on a frame that joins the past, as in training."""
    fixed: bool = False
    """Games of a batch of one size do not depend on one another in the last bit either."""


class Simulator:
    """Plays a dynamics model in the latents of a tokenizer; holds weights and settings only."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        dynamics: Dynamics,
        config: SimulatorConfig | None = None,
        dtype: torch.dtype = torch.float32,
        depth: Depth | None = None,
        vistas: Vistas | None = None,
        daylight: Daylight | None = None,
    ) -> None:
        """Prepare the models; `dtype` is what the transformer and the decoder multiply in.

        depth, vistas, daylight: of a game with a camera; without depth all seen is far away.

        Raises:
            UserError: the sampler does not exist.
        """
        self.config = config or SimulatorConfig()
        if self.config.sampler not in SAMPLERS:
            raise UserError(
                f"sampler is {self.config.sampler!r}; needed one of {', '.join(SAMPLERS)}"
            )
        self.tokenizer, self.dtype = played(tokenizer), dtype
        pack(self.tokenizer, dtype)
        self.dynamics = played(dynamics).to(dtype)
        pack(self.dynamics)
        self.device = dynamics.registers.device
        self._camera = dynamics.config.camera
        # On CPUs small products of attention are faster in float32, whatever the matrices are in.
        self._cache_dtype = torch.float32 if self.device.type == "cpu" else dtype
        own = dynamics, self.tokenizer, depth, dtype
        self._surroundings = Surroundings.of(*own, vistas, daylight)
        self._happenings = Happenings.of(dynamics, dtype)
        self._levels = schedule(self.config.steps, self.config.shift)

    def reset(
        self,
        context: Pixels | Tensor,
        actions: NDArray[np.floating] | Tensor,
        seeds: Sequence[int],
        text: Tensor | None = None,
        pictures: Pixels | None = None,
        pitches: Sequence[float] | None = None,
    ) -> State:
        """The state of `b` games whose past is the context.

        context: uint8 frames (b, t+1, h, w, 3), or float latents (b, t+1, z, y, x), whose frames
        may be given as pictures.
        actions: (b, t, a) that led from each frame to the next; t may be 0.
        seeds: (b,), one a game, for all its noise.
        pitches: (b,), of games with a camera, where it points in the last frame, in degrees down;
        what the frames tell by default.

        Raises:
            ValueError: sizes that do not fit together.
        """
        with torch.inference_mode():
            latents = as_context(context, self.device, self.encode)
            b, frames = latents.shape[:2]
            led = as_actions(actions, b, self.dynamics.config.action_size).to(self.device)
            if led.shape[1] != frames - 1:
                raise ValueError(
                    f"{frames} frames of context came with {led.shape[1]} actions; needed"
                    f" {frames - 1}: one between each frame and the next"
                )
            cache = self._empty(b, latents)
            state = State(latents[:, -1], cache, as_seeds(seeds, b).to(self.device), text)
            led = torch.cat([led.new_zeros(b, 1, led.shape[2]), led], 1)
            known = torch.ones(b, frames, dtype=torch.bool, device=self.device)
            known[:, 0] = False
            noise = noise_of(state, 1, latents.shape[1:])[0]
            size = self.dynamics.config.window
            for i in range(0, frames, size):
                part = slice(i, i + size)
                scene = self.dynamics.scene(cache, led[:, part], known[:, part], latents, text)
                level = self._level(self.config.commit_level, b, led[:, part].shape[1])
                seen = noised(latents[:, part], noise[:, part], level)
                cache, _ = self.dynamics.commit(scene, seen, level)
            hands = self._happenings.begun(latents, led) if self._happenings else None
            state = replace(state, cache=cache, hands=hands)
            if self._surroundings is None:
                return state
            if pictures is None and (pictures := as_pictures(context)) is None:
                pictures = self.decode(latents)
            panoramas, body = self._surroundings.begun(latents, pictures, led, pitches)
            return replace(state, panoramas=panoramas, body=body)

    def reset_rows(
        self,
        state: State,
        index: Sequence[int] | Tensor,
        context: Pixels | Tensor,
        actions: NDArray[np.floating] | Tensor,
        seeds: Sequence[int],
        text: Tensor | None = None,
    ) -> State:
        """The state with the games of the index begun anew, as `reset` would; others go on."""
        return state.with_rows(index, self.reset(context, actions, seeds, text))

    def step(
        self,
        state: State,
        actions: NDArray[np.floating] | Tensor,
        spend: bool = False,
        given: Given | None = None,
    ) -> tuple[State, Step]:
        """The state after actions (b, f, a), and what they led to: `f` frames drawn jointly.

        spend: neither the state nor any that shares its panoramas is used again: nothing is copied.
        given: what the actions truly led to; then f is 1, and states are not `kept`.

        Raises:
            ValueError: actions of the wrong size, or not finite.
        """
        with torch.inference_mode():
            b = len(state.latents)
            led = as_actions(actions, b, self.dynamics.config.action_size).to(self.device)
            f, known = led.shape[1], torch.ones(led.shape[:2], dtype=torch.bool, device=self.device)
            told = self._told(state, led, given)
            prior = told.drafted and told.drafted.prior
            seen = state.latents, state.text, prior, told.events
            scene = self.dynamics.scene(state.cache, led, known, *seen)
            steps = self.config.steps
            draws = noise_of(state, steps + 1, (f, *state.latents.shape[1:]))
            size = self._level(1 / steps, b, f) if steps == self.config.distilled else None

            def denoise(noisy: Tensor, level: float) -> Tensor:
                clean = self.dynamics.denoise(scene, noisy, self._level(level, b, f), size)
                return clean if told.drafted is None else told.drafted.drawn(clean)

            latents = self._sampled(denoise, draws[:-1])
            after, step = self._committed(state, scene, told, latents, draws[-1], spend)
            if state.trail is not None:
                move = Move(led.clone(), latents.clone(), state.seeds, len(draws))
                after = replace(after, trail=state.trail.then(move))
            return after, step

    def with_steps(self, steps: int) -> "Simulator":
        """The same models, which draw frames in that many sampling steps."""
        other = copy.copy(self)
        other.config = replace(self.config, steps=steps)
        other._levels = schedule(steps, self.config.shift)
        return other

    def recall(self, kept: Kept, near: Iterable[State] = ()) -> State:
        """The state that was kept, whole; it goes on with the same bits.

        near: whole states that may lie on the way to it, which saves time.
        """
        passed = [state for state in near if state.trail and state.trail.leads_to(kept.trail)]
        state = max(passed, key=State.moved, default=None) or self.restore(kept.trail.start)
        with torch.inference_mode():
            for move in kept.trail.moves[state.moved() :]:
                state = self._again(state, move)
        return replace(state, seeds=kept.seeds, trail=kept.trail)

    def render(self, state: State | Kept) -> Pixels:
        """The pictures (b, h, w, 3), uint8, of the frames on show."""
        shown = state.shown
        return np.stack(shown) if shown else self.decode(state.latents[:, None])[:, 0]

    def encode(self, frames: Pixels | Tensor) -> Tensor:
        """The latents (n, z, y, x), float32, of frames (n, h, w, 3), uint8."""
        return encoded(self.tokenizer, frames, self.device, self.dtype)

    def restore(self, tensors: Mapping[str, Tensor]) -> State:
        """The state that `State.tensors` was taken of, by a simulator of the same models."""
        seen = {name: part for name, part in tensors.items() if name.startswith(SEEN)}
        parts = {name: tensors[name].to(self.device) for name in tensors if name not in seen}
        parts |= {name: parts[name].to(self._cache_dtype) for name in ("near", "far")}
        latents, seeds = parts["latents"], parts["seeds"]
        arrays = {name.removeprefix(SEEN): part.cpu().numpy() for name, part in seen.items()}
        panoramas = from_arrays(self._camera, arrays) if arrays else ()
        cache = restored(self._empty(0, latents).shape, parts)
        players = parts.get("body"), parts.get("hands")
        return State(latents, cache, seeds, parts.get("text"), panoramas, *players)

    def decode(self, latents: Tensor) -> Pixels:
        """The pictures (b, f, h, w, 3), uint8, of latents (b, f, z, y, x)."""
        return decoded(self.tokenizer, latents, self.dtype)

    def _empty(self, b: int, latents: Tensor) -> Cache:
        """The cache of `b` games not yet begun that have such latents (..., y, x)."""
        grid = latents.shape[-2], latents.shape[-1]
        return self.dynamics.empty_cache(b, grid, self._cache_dtype, fixed=self.config.fixed)

    def _again(self, state: State, move: Move) -> State:
        """The state after a move whose latents are known."""
        led, state = move.actions, replace(state, seeds=move.seeds)
        known = torch.ones(led.shape[:2], dtype=torch.bool, device=self.device)
        told = self._told(state, led)
        seen = state.latents, state.text, None, told.events
        scene = self.dynamics.scene(state.cache, led, known, *seen)
        noise = noise_of(state, move.draws, move.latents.shape[1:])[-1]
        return self._committed(state, scene, told, move.latents, noise, False)[0]

    def _committed(
        self, state: State, scene: Scene, told: Told, latents: Tensor, noise: Tensor, spend: bool
    ) -> tuple[State, Step]:
        """What `step` gives for latents (b, f, z, y, x), committed with that noise."""
        led, level = told.led, self._level(self.config.commit_level, *told.led.shape[:2])
        around, frames = self._surroundings, led.shape[:2].numel()
        away = Handed(lambda: around.distances(state, led, latents)) if around else None

        def past() -> tuple[Cache, Outlook, Tensor | None]:
            if away is not None:
                away.make()
            committed = self.dynamics.commit(scene, noised(latents, noise, level), level)
            if self._happenings is None or told.events is None:
                return *committed, None
            return *committed, self._happenings.gone_on(state, led, latents, told.events)

        def seen() -> tuple[State, Tensor, Pixels] | None:
            if around is None or away is None:
                return None
            pictures = self.decode(latents)
            return around.gone_on(state, told, away.take(), pictures, spend)

        (cache, outlook, hands), looks = both(past, seen, frames)
        after, motion, pictures = looks or (state, outlook.motion, None)
        after = replace(after, latents=latents[:, -1], cache=cache, hands=hands, trail=None)
        odds = outlook.end_logit.sigmoid(), outlook.ground_logit.sigmoid()
        step = Step(latents, outlook.reward, *odds, motion, self.decode, told.events, pictures)
        return after, step

    def _sampled(self, denoise: Denoise, noise: Tensor) -> Tensor:
        """The latents (b, f, z, y, x) drawn from noise (steps, b, f, z, y, x)."""
        return SAMPLERS[self.config.sampler](denoise, noise, self._levels)

    def _told(self, state: State, led: Tensor, given: Given | None = None) -> Told:
        """What there is to know before the frames that actions (b, f, a) lead to are drawn."""
        return foretold(self._surroundings, self._happenings, state, led, given or Given())

    def _level(self, level: float, b: int, f: int) -> Tensor:
        return torch.full((b, f), level, device=self.device)
