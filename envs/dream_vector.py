"""`WorldSim/Dream-v0` as a Gymnasium vector environment: many dreams in one batch of the model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from torch import Tensor

from envs import observed
from envs.rows import chosen, last, masked, renew, reseed, seeds_of, vectors_of
from envs.snapshot import Snapshot
from envs.starts import start
from worldsim import actions
from worldsim.errors import UserError
from worldsim.models.heads import moved
from worldsim.playing import Playing
from worldsim.state import State, joined
from worldsim.trail import Kept
from worldsim.world import Origin, load_world

Observations = NDArray[Any]
Flags = NDArray[np.bool_]
Result = tuple[Observations, NDArray[np.float64], Flags, Flags, dict[str, Any]]


class DreamVectorEnv(VectorEnv[Observations, Any, NDArray[Any]]):
    """`num_envs` dreams side by side; what each shows depends on its own seed and actions alone.

    Spaces, rewards, ends, infos and reset options are those of `DreamEnv`, batched. A dream that
    ends begins anew in the same step (`AutoresetMode.SAME_STEP`): its last observation and info
    are in `infos["final_obs"]` and `infos["final_info"]`. Actions may also be flat vectors
    (num_envs, a), float32, in the order of `worldsim.actions.NAMES`.

    `reset(seed=...)` takes a number (dream i gets seed + i) or a list of numbers and None;
    `reset(options={"reset_mask": (num_envs,) bool})` begins only some anew.

    Args:
        num_envs: dreams.
        obs: "pixels", or "latent" for `Box(-inf, inf, (z, y, x), float32)`, which need not be
            decoded.
        max_episode_steps: frames after which a dream is truncated; by default never.
        deterministic: a dream is the same to the last bit whatever its neighbours do; otherwise up
            to the rounding of sums.
        checkpoint, steps, device, dtype, exact: as in `DreamEnv`.
        render_mode: None or "rgb_array".
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": 20,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        checkpoint: str | Path | None = None,
        steps: int | None = None,
        device: str = "auto",
        dtype: str = "auto",
        exact: str = "WorldSim/Voxel-v0",
        obs: str = "pixels",
        max_episode_steps: int | None = None,
        deterministic: bool = False,
        render_mode: str | None = None,
    ) -> None:
        _check(num_envs, obs, max_episode_steps, render_mode)
        self.world = load_world(checkpoint, device, dtype, steps=steps, fixed=deterministic)
        self.num_envs, self.render_mode = num_envs, render_mode
        self._exact, self._limit = exact, max_episode_steps or np.inf
        self._obs = obs
        self.single_action_space = actions.space()
        self.single_observation_space = observed.space(self.world, obs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._randoms = [seeding.np_random()[0] for _ in range(num_envs)]
        self._playing = Playing()
        self._back: Kept | None = None  # what was gone back to, not yet made whole
        self._poses = torch.zeros(num_envs, 5, dtype=torch.float64)
        self._ticks = np.zeros(num_envs, np.int64)
        self._origins: list[Origin | None] = [None] * num_envs

    @property
    def state(self) -> State:
        """The simulator's state, a value.

        Raises:
            RuntimeError: before the first `reset`.
        """
        return self._whole().state

    @property
    def origins(self) -> tuple[Origin | None, ...]:
        """The places of the exact world where the dreams began, as far as there are any."""
        return tuple(self._origins)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[Observations, dict[str, Any]]:
        """Begin dreams, all or those of a mask, each from a start that its own seed draws.

        Raises:
            UserError: seeds or a mask that do not fit, or options that `DreamEnv` would refuse.
        """
        given = dict(options or {})
        rows = chosen(given.pop("reset_mask", None), self.num_envs)
        reseed(self._randoms, seeds_of(seed, self.num_envs), rows)
        self._begin(rows, given)
        infos = masked(self._infos(), rows, self.num_envs)
        return self._shown(self._whole().seen), infos

    def step(self, actions: Any) -> Result:
        """Dream one frame each; dreams that end begin anew.

        Raises:
            ValueError: actions out of range, NaN, incomplete or of another number.
        """
        vectors = vectors_of(actions, self.num_envs)
        step = self._whole().step(self.world.simulator, vectors[:, None])
        self._ticks = self._ticks + 1
        self._poses = moved(self._poses, step.motion[:, -1].double().cpu())
        pictures = self._obs == "pixels"  # which the simulator may have decoded for itself
        observations = step.frames[:, -1] if pictures else observed.numbers(step.latents[:, -1])
        rewards, p_end = _doubles(step.reward), _doubles(step.p_end)
        infos = self._infos(p_end, _doubles(step.p_ground))
        ended, cut = p_end > 0.5, self._ticks >= self._limit
        told = masked(infos, range(self.num_envs), self.num_envs)
        rows = np.flatnonzero(ended | cut).tolist()
        if rows:
            final = last(observations, infos, rows)
            self._begin(rows, {})
            observations = self._shown(self._playing.seen)
            renew(told, self._infos(), rows)
            told |= final
        return observations, rewards, ended, cut, told

    def snapshot(self) -> Snapshot:
        """All dreams as they stand, to `restore` them later; see `DreamEnv.snapshot`."""
        kept = self._back
        if self._playing.begun or kept is None:
            kept = self._playing.kept()
        randoms = tuple(dict(random.bit_generator.state) for random in self._randoms)
        poses, ticks = self._poses.numpy().copy(), self._ticks.copy()
        return Snapshot(kept, poses, ticks, randoms, self.origins, self.world.hash)

    def restore(self, snapshots: Snapshot | Sequence[Snapshot]) -> Observations:
        """Go back to a snapshot of all dreams, or to several that together are as many.

        A list of snapshots may come from other environments of the same checkpoint: forks of one
        `DreamEnv` go on side by side.

        Raises:
            UserError: they are of another model, or of another number of dreams.
        """
        parts = [snapshots] if isinstance(snapshots, Snapshot) else list(snapshots)
        b = sum(len(part.of(self.world).ticks) for part in parts)
        if b != self.num_envs:
            raise UserError(
                f"the snapshots hold {b} dreams; this environment has {self.num_envs}"
                f" (make it with num_envs={b})"
            )
        if len(parts) == 1:
            self._playing.put(None)
            self._back = parts[0].kept
        else:
            self._playing.put(self._side_by_side([part.kept for part in parts]))
            self._back = None
        self._poses = torch.from_numpy(np.concatenate([part.poses for part in parts]))
        self._ticks = np.concatenate([part.ticks for part in parts])
        self._origins = [origin for part in parts for origin in part.origins]
        states = [state for part in parts for state in part.randoms]
        for random, state in zip(self._randoms, states, strict=True):
            random.bit_generator.state = dict(state)
        return self._shown(self._back or self._playing.seen)

    def fork(self, n: int, seeds: Sequence[int] | None = None) -> list[Snapshot]:
        """`n` futures of all dreams to `restore`; see `DreamEnv.fork`."""
        return self.snapshot().forks(n, seeds)

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """The frames on show, when made with `render_mode="rgb_array"`."""
        if self.render_mode is None:
            return None
        return tuple(self.world.simulator.render(self._whole().seen))

    def _whole(self) -> Playing:
        """The dreams, with what was gone back to made whole."""
        if not self._playing.begun and self._back is not None:
            self._playing.put(self.world.simulator.recall(self._back))
        return self._playing

    def _begin(self, rows: Sequence[int], options: Mapping[str, Any]) -> None:
        """Begin the dreams of the rows anew: one by one, so that none depends on another."""
        states = []
        poses = self._poses.clone()
        for i in rows:
            begun = start(self.world, self._exact, options, self._randoms[i])
            noise = int(self._randoms[i].integers(2**62))
            past = begun.context[None], begun.led[None]
            own = self.world.simulator.reset(*past, [noise], pitches=begun.pitches)
            states.append(own)
            poses[i] = torch.tensor(begun.pose, dtype=torch.float64)
            self._origins[i], self._ticks[i] = begun.origin, 0
        fresh = joined(states)
        whole = len(rows) == self.num_envs
        self._playing.put(fresh if whole else self._whole().seen.with_rows(rows, fresh))
        self._poses, self._back = poses, None

    def _side_by_side(self, parts: Sequence[Kept]) -> State:
        """The games of all that was kept; what has a past in common is made whole once."""
        whole: dict[int, State] = {}
        for kept in parts:
            if id(kept.trail) not in whole:
                whole[id(kept.trail)] = self.world.simulator.recall(kept)
        states = [whole[id(kept.trail)] for kept in parts]
        seeds = torch.cat([kept.seeds for kept in parts])
        return joined(states).with_seeds(seeds.tolist())

    def _shown(self, state: State | Kept) -> Observations:
        return observed.shown(self.world, state, self._obs)

    def _infos(self, p_end: Any = 0.0, p_ground: Any = 1.0) -> dict[str, NDArray[Any]]:
        n = self.num_envs
        return {
            "pose": self._poses.numpy().copy(),
            "p_terminate": np.broadcast_to(p_end, n).astype(np.float64),
            "p_ground": np.broadcast_to(p_ground, n).astype(np.float64),
            "model_hash": np.full(n, int(self.world.hash[:12], 16)),
        }


def _check(num_envs: int, obs: str, limit: int | None, render_mode: str | None) -> None:
    if num_envs < 1:
        raise UserError(f"num_envs is {num_envs}; needed 1 or more")
    observed.check(obs)
    if limit is not None and limit < 1:
        raise UserError(f"max_episode_steps is {limit}; needed 1 or more, or None for no end")
    if render_mode not in (None, "rgb_array"):
        raise UserError(f"render_mode is {render_mode!r}; needed None or rgb_array")


def _doubles(values: Tensor) -> NDArray[np.float64]:
    """The last column of values (b, f)."""
    return values[:, -1].double().cpu().numpy()
