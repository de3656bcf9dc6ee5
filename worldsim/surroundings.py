"""What games with a camera have seen, between the networks and `worldsim.panorama`."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.camera import CameraConfig
from worldsim.coding import decoded, depths, encoded
from worldsim.data.frames import Pixels
from worldsim.models.depth import Depth
from worldsim.models.heads import Outlook
from worldsim.models.tokenizer import Tokenizer
from worldsim.panorama import Panorama, begun, gone_on, looked_ahead, pooled, seen_again

_WALK = 3  # of a motion: blocks forward, right and up


class Surroundings:
    """Makes priors of panoramas, and panoramas of what was dreamed.

    depth: None lets everything seen count as far away, so that only turns are known beforehand.
    """

    def __init__(
        self,
        camera: CameraConfig,
        tokenizer: Tokenizer,
        depth: Depth | None,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._camera, self._tokenizer, self._depth = camera, tokenizer, depth
        self._device, self._dtype = device, dtype

    def begun(
        self, latents: Tensor, pictures: Pixels, actions: Tensor, outlooks: Sequence[Outlook]
    ) -> tuple[Panorama, ...]:
        """The panoramas of games that have seen frames (b, t+1, ...), led by actions (b, t, a).

        outlooks: of those frames, in parts along time.
        """
        acts = actions.cpu().numpy()
        told = torch.cat([o.pitch for o in outlooks if o.pitch is not None], 1)
        turns = acts[..., self._camera.pitch]
        pitches = _first_pitches(told.double().cpu().numpy(), turns)
        motions = _walked(torch.cat([outlook.motion for outlook in outlooks], 1)[:, 1:])
        away = self._away(latents, pictures, self._tilts(pitches, turns))
        return begun(self._camera, acts, motions, pictures, away, pitches)

    def ahead(self, panoramas: Sequence[Panorama], actions: Tensor, motions: Tensor) -> Tensor:
        """The prior (b, z + 3, y, x) of frames that actions (b, a) and motions (b, 3) lead to."""
        pictures, recents = looked_ahead(panoramas, actions.cpu().numpy(), _walked(motions))
        latents = encoded(self._tokenizer, pictures, self._device, self._dtype)
        known = torch.from_numpy(pooled(recents, (latents.shape[-2], latents.shape[-1])))
        return torch.cat([latents, known.to(latents)], 1)

    def gone_on(
        self,
        panoramas: Sequence[Panorama],
        actions: Tensor,
        motions: Tensor,
        latents: Tensor,
        pictures: Pixels,
    ) -> tuple[Panorama, ...]:
        """The panoramas after actions (b, f, a) led by motions (b, f, 5) to frames (b, f, ...)."""
        acts = actions.cpu().numpy()
        pitches = [game.pitch for game in panoramas]
        tilts = self._tilts(pitches, acts[..., self._camera.pitch])[:, 1:]
        away = self._away(latents, pictures, tilts)
        return gone_on(panoramas, acts, _walked(motions), pictures, away)

    def moved(self, latents: Tensor, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Frames moved, as `models.flow.Look` says."""
        frames = decoded(self._tokenizer, latents[:, None], self._dtype)[:, 0]
        poses = [part.cpu().numpy() for part in (before, after)]
        size = frames.shape[1], frames.shape[2]
        away = depths(self._depth, latents, poses[0][:, 4], size, self._dtype)
        pictures, inside = seen_again(self._camera, frames, away, *poses)
        moved = encoded(self._tokenizer, pictures, self._device, self._dtype)
        grid = latents.shape[-2], latents.shape[-1]
        shown = pooled(inside[..., None].astype(np.float32), grid) > 0.5
        return moved.clone(), torch.from_numpy(shown).to(self._device)

    def _away(
        self, latents: Tensor, pictures: Pixels, pitches: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        rows, size = (latents.flatten(0, 1), pitches.ravel()), pictures.shape[2:4]
        return depths(self._depth, *rows, size, self._dtype).reshape(pictures.shape[:-1])

    def _tilts(self, pitches: Sequence[float], turns: NDArray[np.floating]) -> NDArray[np.float64]:
        """The camera's pitch (b, t+1): as given (b,), then after each of the turns (b, t)."""
        tilts = [np.asarray(pitches, np.float64)]
        for turn in turns.T:
            tilts.append(np.clip(tilts[-1] + turn, -90, 90))
        return np.stack(tilts, 1)


def _walked(motions: Tensor) -> NDArray[np.float64]:
    return motions[..., :_WALK].double().cpu().numpy()


def _first_pitches(told: NDArray[np.float64], turns: NDArray[np.floating]) -> list[float]:
    """The pitch (b,) of each game's first frame, from what the model says of all (b, t+1).

    turns: (b, t) degrees down between them.
    """
    since = np.concatenate([np.zeros((len(turns), 1)), np.cumsum(turns, 1)], 1)
    firsts = np.median(told - since, 1)
    return [float(pitch) for pitch in np.clip(firsts, -90, 90)]
