"""The simulator: a tokenizer and a dynamics model that play. Its state is a value.

    state = simulator.reset(frames, actions, seeds)
    state, step = simulator.step(state, actions)

A state can be kept, stepped twice, split into rows, joined, saved: every step of equal states with
equal actions gives equal frames.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.data.frames import Pixels, to_float, to_uint8
from worldsim.device import autocast
from worldsim.errors import UserError
from worldsim.models.cache import Cache, restored
from worldsim.models.dynamics import Dynamics
from worldsim.models.flow import noised
from worldsim.models.packed import pack
from worldsim.models.sampler import SAMPLERS, schedule
from worldsim.models.tokenizer import Tokenizer

_AT_ONCE = 64  # frames in one pass: more only need more memory


@dataclass
class SimulatorConfig:
    """How frames are drawn."""

    steps: int = 2
    """Sampling steps a frame; with the pass that commits it, steps + 1 passes of the network."""
    sampler: str = "euler"
    shift: float = 1.0
    """More than 1 spends more of the steps on high noise."""
    commit_level: float = 0.05
    """Noise put on a frame that joins the past, as in training."""


@dataclass(frozen=True)
class State:
    """`b` games between two steps; nothing a step does changes it.

    latents: (b, z, y, x) of the frame on show. cache: the past, that frame included.
    seeds: (b,) long. text: (b, text width), or None.
    """

    latents: Tensor
    cache: Cache
    seeds: Tensor
    text: Tensor | None = None

    @property
    def clock(self) -> Tensor:
        """Frames (b,) of each game since its reset, context included."""
        return self.cache.age

    def rows(self, index: Sequence[int] | Tensor) -> "State":
        """The games of the index, which may repeat, as a state that shares nothing with this."""
        chosen = torch.as_tensor(index, dtype=torch.long, device=self.latents.device)
        text = None if self.text is None else self.text[chosen]
        return State(self.latents[chosen], self.cache.rows(chosen), self.seeds[chosen], text)

    def with_rows(self, index: Sequence[int] | Tensor, other: "State") -> "State":
        """This state with the games of the index replaced by those of the other, in order."""
        chosen = torch.as_tensor(index, dtype=torch.long, device=self.latents.device)
        text = self.text
        if text is not None and other.text is not None:
            text = text.index_copy(0, chosen, other.text)
        return State(
            self.latents.index_copy(0, chosen, other.latents),
            self.cache.with_rows(chosen, other.cache),
            self.seeds.index_copy(0, chosen, other.seeds),
            text,
        )

    def with_seeds(self, seeds: Sequence[int]) -> "State":
        """The same games with another future: seeds for the noise to come, one a game."""
        return replace(self, seeds=_seeds(seeds, len(self.seeds)).to(self.seeds.device))

    def tensors(self) -> dict[str, Tensor]:
        """The state as tensors, to save; `Simulator.restore` takes them."""
        parts = {"latents": self.latents, "seeds": self.seeds, **self.cache.tensors()}
        return parts if self.text is None else {**parts, "text": self.text}


@dataclass(frozen=True)
class Step:
    """What `f` frames of `b` games brought; frame i is what action i led to.

    latents: (b, f, z, y, x). reward: (b, f), expected. p_end: (b, f), probability that the
    episode terminated. p_ground: (b, f), probability of standing. motion: (b, f, 5), as
    `models.heads.body_motion`.
    """

    latents: Tensor
    reward: Tensor
    p_end: Tensor
    p_ground: Tensor
    motion: Tensor
    tokenizer: Tokenizer
    dtype: torch.dtype = torch.float32

    @cached_property
    def frames(self) -> Pixels:
        """The pictures (b, f, h, w, 3), uint8, decoded when first asked for."""
        return decoded(self.tokenizer, self.latents, self.dtype)


class Simulator:
    """Plays a dynamics model in the latents of a tokenizer; holds weights and settings only."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        dynamics: Dynamics,
        config: SimulatorConfig | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Prepare the models; `dtype` is what the transformer and the decoder multiply in.

        Raises:
            UserError: the sampler does not exist.
        """
        self.config = config or SimulatorConfig()
        if self.config.sampler not in SAMPLERS:
            raise UserError(
                f"sampler is {self.config.sampler!r}; needed one of {', '.join(SAMPLERS)}"
            )
        self.tokenizer, self.dtype = tokenizer.eval(), dtype
        self.dynamics = copy.deepcopy(dynamics).to(dtype).eval().requires_grad_(False)
        pack(self.dynamics)
        self.device = dynamics.registers.device
        # On CPUs small products of attention are faster in float32, whatever the matrices are in.
        self._cache_dtype = torch.float32 if self.device.type == "cpu" else dtype
        self._levels = schedule(self.config.steps, self.config.shift)

    def reset(
        self,
        context: Pixels | Tensor,
        actions: NDArray[np.floating] | Tensor,
        seeds: Sequence[int],
        text: Tensor | None = None,
    ) -> State:
        """The state of `b` games whose past is the context.

        context: uint8 frames (b, t+1, h, w, 3), or float latents (b, t+1, z, y, x).
        actions: (b, t, a) that led from each frame to the next; t may be 0.
        seeds: (b,), one a game, for all its noise.

        Raises:
            ValueError: sizes that do not fit together.
        """
        with torch.inference_mode():
            latents = self._latents(context)
            b, frames = latents.shape[:2]
            led = self._actions(actions, b)
            if led.shape[1] != frames - 1:
                raise ValueError(
                    f"{frames} frames of context came with {led.shape[1]} actions; needed"
                    f" {frames - 1}: one between each frame and the next"
                )
            grid = latents.shape[-2], latents.shape[-1]
            cache = self.dynamics.empty_cache(b, grid, self._cache_dtype)
            state = State(latents[:, -1], cache, _seeds(seeds, b).to(self.device), text)
            led = torch.cat([led.new_zeros(b, 1, led.shape[2]), led], 1)
            known = torch.ones(b, frames, dtype=torch.bool, device=self.device)
            known[:, 0] = False
            noise = self._noise(state, 1, latents.shape[1:])[0]
            size = max(1, min(self.dynamics.config.window, _AT_ONCE // b)) if b else 1
            for i in range(0, frames, size):
                part = slice(i, i + size)
                scene = self.dynamics.scene(cache, led[:, part], known[:, part], latents, text)
                level = self._level(self.config.commit_level, b, led[:, part].shape[1])
                seen = noised(latents[:, part], noise[:, part], level)
                cache, _ = self.dynamics.commit(scene, seen, level)
            return replace(state, cache=cache)

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

    def step(self, state: State, actions: NDArray[np.floating] | Tensor) -> tuple[State, Step]:
        """The state after actions (b, f, a), and what they led to: `f` frames drawn jointly.

        Raises:
            ValueError: actions of the wrong size, or not finite.
        """
        with torch.inference_mode():
            b = len(state.latents)
            led = self._actions(actions, b)
            f = led.shape[1]
            known = torch.ones(b, f, dtype=torch.bool, device=self.device)
            scene = self.dynamics.scene(state.cache, led, known, state.latents, state.text)
            draws = self._noise(state, self.config.steps + 1, (f, *state.latents.shape[1:]))

            def denoise(noisy: Tensor, level: float) -> Tensor:
                return self.dynamics.denoise(scene, noisy, self._level(level, b, f))

            latents = SAMPLERS[self.config.sampler](denoise, draws[:-1], self._levels)
            level = self._level(self.config.commit_level, b, f)
            cache, outlook = self.dynamics.commit(scene, noised(latents, draws[-1], level), level)
            step = Step(
                latents,
                outlook.reward,
                outlook.end_logit.sigmoid(),
                outlook.ground_logit.sigmoid(),
                outlook.motion,
                self.tokenizer,
                self.dtype,
            )
            return replace(state, latents=latents[:, -1], cache=cache), step

    def render(self, state: State) -> Pixels:
        """The pictures (b, h, w, 3), uint8, of the frames on show."""
        return decoded(self.tokenizer, state.latents[:, None], self.dtype)[:, 0]

    def encode(self, frames: Pixels | Tensor) -> Tensor:
        """The latents (n, z, y, x), float32, of frames (n, h, w, 3), uint8."""
        given = torch.as_tensor(frames).to(self.device)
        with torch.inference_mode(), autocast(self.device, self.dtype):
            parts = [self.tokenizer.encode(to_float(part)) for part in torch.split(given, _AT_ONCE)]
            return torch.cat(parts).float()

    def restore(self, tensors: dict[str, Tensor]) -> State:
        """The state that `State.tensors` was taken of, by a simulator of the same models."""
        parts = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        latents = parts["latents"]
        grid = latents.shape[-2], latents.shape[-1]
        shape = self.dynamics.empty_cache(0, grid, self._cache_dtype).shape
        return State(latents, restored(shape, parts), parts["seeds"], parts.get("text"))

    def _latents(self, context: Pixels | Tensor) -> Tensor:
        given = torch.as_tensor(context).to(self.device)
        if given.ndim != 5 or not given.shape[1]:
            raise ValueError(
                f"the context has shape {tuple(given.shape)}; needed frames (b, t+1, h, w, 3)"
                " or latents (b, t+1, z, y, x)"
            )
        if given.dtype != torch.uint8:
            return given.float()
        latents = self.encode(given.flatten(0, 1))
        return latents.view(*given.shape[:2], *latents.shape[1:])

    def _actions(self, actions: NDArray[np.floating] | Tensor, b: int) -> Tensor:
        given = torch.as_tensor(actions).to(self.device, torch.float32)
        size = self.dynamics.config.action_size
        if given.ndim != 3 or given.shape[0] != b or given.shape[2] != size:
            raise ValueError(f"actions have shape {tuple(given.shape)}; needed ({b}, t, {size})")
        if not given.isfinite().all():
            raise ValueError("an action is NaN or infinite; needed finite numbers")
        return given

    def _level(self, level: float, b: int, f: int) -> Tensor:
        return torch.full((b, f), level, device=self.device)

    def _noise(self, state: State, draws: int, shape: Sequence[int]) -> Tensor:
        """Noise (draws, b, *shape), each row a function of its own seed and clock alone."""
        rows = zip(state.seeds.tolist(), state.clock.tolist(), strict=True)
        generators = [torch.Generator().manual_seed(_mixed(seed, clock)) for seed, clock in rows]
        noise = [torch.randn(draws, *shape, generator=generator) for generator in generators]
        return torch.stack(noise, 1).to(self.device)


def decoded(tokenizer: Tokenizer, latents: Tensor, dtype: torch.dtype = torch.float32) -> Pixels:
    """The pictures (b, f, h, w, 3), uint8, of latents (b, f, z, y, x); convolved in `dtype`."""
    with torch.inference_mode(), autocast(latents.device, dtype):
        frames = to_uint8(tokenizer.decode(latents.flatten(0, 1)))
        return frames.reshape(*latents.shape[:2], *frames.shape[1:])


def _seeds(seeds: Sequence[int], b: int) -> Tensor:
    if len(seeds) != b:
        raise ValueError(f"{len(seeds)} seeds for {b} games; needed one each")
    return torch.tensor([int(seed) for seed in seeds], dtype=torch.long)


def _mixed(seed: int, clock: int) -> int:
    """A seed for the noise of one frame, well mixed (Steele et al. 2014, SplitMix64)."""
    mask = 2**64 - 1
    x = (seed * 0xD1342543DE82EF95 + clock * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)
