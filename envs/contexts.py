"""Where dreams of a task begin: anywhere in encoded recordings, or at a world file's contexts."""

from typing import Any

import numpy as np
import torch

from envs.starts import Start
from worldsim.data.latents import FACTS, LatentDataset
from worldsim.errors import UserError
from worldsim.world import Origin, World

_POSE = [FACTS.index(name) for name in ("x", "y", "z", "yaw", "pitch")]


class Contexts:
    """The starts that a task's dreams are drawn from."""

    def __init__(
        self,
        world: World,
        folders: list[str],
        seeds: list[int],
        exact: str = "",
        exact_options: dict[str, Any] | None = None,
        frames: int | None = None,
    ) -> None:
        """Open folders of `worldsim encode`; without any, take the world's own contexts.

        seeds: first and last of the episodes to begin in; empty for all. exact, exact_options: the
        environment that was recorded, for starts that tell their place in it. frames: how many of
        a recording a dream begins with; by default as many as the model looks back on.

        Raises:
            UserError: no contexts at all, none with such seeds and of enough frames, or latents of
                another shape than the world's.
        """
        self._world, self._exact = world, (exact, exact_options or {})
        self._data = LatentDataset(folders) if folders else None
        if self._data is None and not world.contexts:
            raise UserError(
                "the checkpoint holds no start contexts; name encoded recordings: contexts=[FOLDER]"
            )
        if frames is not None and (frames < 1 or self._data is None):
            raise UserError(
                f"context is {frames}; needed 1 or more, and recordings to take them from"
                " (contexts=[FOLDER])"
            )
        own = frames or world.simulator.dynamics.config.window
        self._frames = own if self._data is not None else world.context_frames
        self._check_shape()
        self._lengths = self._rooms(folders, seeds)

    def draw(self, random: np.random.Generator) -> tuple[Start, int]:
        """A start drawn by the generator, and the seed of the noise that its dream has."""
        return self._start(random), int(random.integers(2**62))

    def _start(self, random: np.random.Generator) -> Start:
        """An episode is drawn first, then a place in it."""
        if self._data is None:
            contexts = self._world.contexts
            chosen = contexts[int(random.integers(len(contexts)))]
            kept = self._frames - 1
            led = chosen.actions[len(chosen.actions) - kept :]
            return Start(chosen.latents[-self._frames :], led, chosen.pose, chosen.origin)
        episode = int(random.choice(list(self._lengths)))
        place = int(random.integers(self._lengths[episode] - self._frames + 1))
        clip = self._data.clips([(episode, place)], self._frames)
        pose = clip.facts[0, -1, _POSE].astype(np.float64)
        origin = None
        if self._exact[0]:
            before = self._data.actions(episode, place + self._frames - 1)
            origin = Origin(*self._exact, self._data.episodes[episode][3], before)
        return Start(torch.from_numpy(clip.latents[0]), clip.actions[0], pose, origin)

    def _rooms(self, folders: list[str], seeds: list[int]) -> dict[int, int]:
        """The frames of each episode that dreams may begin in."""
        if len(seeds) not in (0, 2):
            raise UserError(f"seeds are {seeds}; needed the first and the last, or none")
        if self._data is None:
            return {}
        first, last = seeds or (0, 2**63)
        found = {
            i: frames
            for i, (_, _, frames, seed) in enumerate(self._data.episodes)
            if frames >= self._frames and first <= seed <= last
        }
        if not found:
            raise UserError(
                f"{', '.join(folders)}: no episode of seeds {first} to {last} has"
                f" {self._frames} frames; name other seeds or folders"
            )
        return found

    def _check_shape(self) -> None:
        own = self._world.latent_shape
        if self._data is not None and self._data.latent_shape != own:
            raise UserError(
                f"contexts have latents {self._data.latent_shape}; the world's tokenizer makes"
                f" {own} (encode them with its tokenizer)"
            )
