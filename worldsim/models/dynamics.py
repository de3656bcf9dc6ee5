"""The dynamics: a transformer that predicts clean latents of the next frames from the past.

Training sees a clip twice in one forward pass, as a clean stream (the past, as it is committed at
play) and as a noisy stream (the frames to predict); `clip.teacher_forcing` says who sees whom.
Play runs the same weights a chunk of frames at a time against the cached past (`cache.Cache`).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from worldsim.models.body import Body
from worldsim.models.cache import Cache, CacheShape, LayerView, empty
from worldsim.models.clip import Sight, clip_view, teacher_forcing
from worldsim.models.conditioning import CLEAN, NOISY, Conditioning
from worldsim.models.critic import Critic
from worldsim.models.draft import Draft
from worldsim.models.dynamics_config import DynamicsConfig as DynamicsConfig
from worldsim.models.faces import Faces
from worldsim.models.grid import Grid
from worldsim.models.hands import Hands
from worldsim.models.heads import Heads, Outlook
from worldsim.models.layers import Block, Rotary, View, modulated, rotary
from worldsim.models.overlay import Overlay
from worldsim.models.prior import Prior
from worldsim.models.scene import Prediction, Scene


class Dynamics(nn.Module):
    """The transformer; `forward` trains it, `scene`, `denoise` and `commit` play it."""

    def __init__(self, config: DynamicsConfig) -> None:
        super().__init__()
        self.config = c = config
        d, numbers, k = c.width, c.latent_channels * c.patch**2, len(c.events)
        self.conditioning = Conditioning(d, c.action_size, c.angles, c.text_width, k)
        self.embed = nn.Linear(numbers, d, bias=False)
        sees = c.camera.field_of_view > 0
        self.prior = Prior(numbers, c.patch, d) if sees else None
        self.registers = nn.Parameter(torch.randn(c.registers, d))
        self.action_token = nn.Linear(d, d, bias=False)
        self.modulation = nn.Linear(d, 6 * d)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        neutral = torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0, 0.0])[:, None].expand(6, d)
        self.modulations = nn.Parameter(neutral.repeat(c.blocks, 1, 1))
        self.last_modulation = nn.Parameter(neutral[:2].clone())
        heads = c.heads_space, c.heads_time
        self.blocks = nn.ModuleList(
            Block(d, heads, c.head_width, c.mlp_ratio) for _ in range(c.blocks)
        )
        self.unembed = nn.Linear(d, numbers, bias=False)
        nn.init.zeros_(self.unembed.weight)
        self.heads = Heads(c.registers, d)
        told = c.latent_channels, c.action_size, c.angles
        self.body = Body(*told, liquids=c.liquids) if sees else None
        self.hands = Hands(*told, k) if k else None
        away = c.camera.tangent if c.grid else 0.0
        self.draft = Draft(*told, c.switches, k, away) if sees and k else None
        laid = *told, c.switches, k, c.camera.overlay
        self.overlay = Overlay(*laid) if self.draft and c.overlay else None
        self.grid = Grid(c.latent_channels, c.grid_attention) if sees and c.grid else None
        falling = c.events if c.falls else ()
        blocks = self.draft and self.grid
        self.faces = Faces(c.latent_channels, events=falling) if blocks else None
        self.critic: Critic | None = None  # of what is predicted, while training has one

    def forward(
        self,
        clean: Tensor,
        noisy: Tensor,
        clean_level: Tensor,
        noisy_level: Tensor,
        actions: Tensor,
        *,
        chunk: int = 1,
        known: Tensor | None = None,
        prior: Tensor | None = None,
        sight: Sight | None = None,
        text: Tensor | None = None,
        step: Tensor | None = None,
        events: Tensor | None = None,
    ) -> Prediction:
        """The prediction of every frame of a clip, each from the past and its own noisy version.

        clean, noisy: (b, t, z, y, x) latents; clean_level, noisy_level: (b, t), how much noise is
        in them. actions: (b, t-1, a), the i-th leading from frame i to frame i+1; known: (b, t-1)
        false where an action is to be ignored. prior: (b, t, z + 3, y, x), what the panorama knew
        of each frame before it was seen. chunk: frames denoised jointly (`chunk_starts`).
        sight: replaces teacher forcing as the rule of who sees whom. text: (b, text width).
        step: (b, t), of the sampling. events: (b, t-1, k), 1 for what actions brought about.
        """
        t, c = clean.shape[1], self.config
        if sight is None:
            sight = teacher_forcing(t, chunk, c.window, c.local_frames)
        latents = torch.cat([clean, noisy], 1)  # (b, 2t, z, y, x)
        view = clip_view(sight, self._n(latents), latents.device)
        frames = torch.arange(t, device=latents.device).repeat(2)[None]
        action = self._clip_actions(actions, known, events).repeat(1, 2, 1)
        stream = torch.tensor([CLEAN, NOISY], device=latents.device).repeat_interleave(t)
        level = torch.cat([clean_level, noisy_level], 1)
        steps = None if step is None else step.repeat(1, 2)
        condition = self.conditioning(level, stream, action, text, steps)
        tables = self._rotary(frames, latents)
        told = self._prior(prior)
        both = None if told is None else torch.cat([torch.zeros_like(told), told], 1)
        x, last = self._trunk(latents, condition, action, both, tables, [view] * c.blocks)
        r = c.registers
        shown = self._latents(x[:, t:, r:], [m[:, t:] for m in last], latents, told)
        return Prediction(shown, self.heads(x[:, :t, :r]))

    def scene(
        self,
        cache: Cache,
        actions: Tensor,
        known: Tensor,
        grid: Tensor,
        text: Tensor | None = None,
        prior: Tensor | None = None,
        events: Tensor | None = None,
    ) -> Scene:
        """The scene of the next frames after the cached past.

        actions: (b, f, a) that lead to each of them; known: (b, f) false where there is none;
        grid: any latents (..., y, x) of the right sides. prior: (b, f, z + 3, y, x), needed only
        where frames are to be denoised. events: (b, f, k), 1 for what the actions brought about.
        """
        f = actions.shape[1]
        cache = cache.opened(f)
        frames = cache.age[:, None] + torch.arange(f, device=actions.device)
        denoising = cache.views(f, committing=False)
        committing = denoising if f == 1 else cache.views(f, committing=True)
        tables = self._rotary(frames, grid)
        tables = Rotary(*(table.to(cache.log.far.dtype) for table in tables))
        action = self.conditioning.embed_actions(actions, known, events)
        return Scene(cache, tables, action, self._prior(prior), denoising, committing, text)

    def denoise(
        self, scene: Scene, noisy: Tensor, level: Tensor, step: Tensor | None = None
    ) -> Tensor:
        """The clean latents (b, f, z, y, x), float32, of noisy ones at levels (b, f)."""
        x, last = self._play(scene, scene.denoising, noisy, level, NOISY, step)
        return self._latents(x[:, :, self.config.registers :], last, noisy, scene.prior)

    def commit(self, scene: Scene, latents: Tensor, level: Tensor) -> tuple[Cache, Outlook]:
        """The cache with the scene's frames added to the past, and what the heads say of them.

        latents: (b, f, z, y, x), with noise of levels (b, f) in them.
        """
        x, _ = self._play(scene, scene.committing, latents, level, CLEAN, None)
        outlook = self.heads(x[:, :, : self.config.registers])
        return scene.cache.committed(latents.shape[1]), outlook

    def empty_cache(
        self,
        b: int,
        grid: tuple[int, int],
        dtype: torch.dtype,
        room: int | None = None,
        fixed: bool = False,
    ) -> Cache:
        """The cache of `b` games not yet begun on a latent grid (y, x); see `CacheShape`."""
        c = self.config
        n = c.registers + (grid[0] // c.patch) * (grid[1] // c.patch)
        reach = c.window - 1
        shape = CacheShape(
            *(c.blocks, c.heads_space, c.heads_time, n, c.head_width, reach, c.local_frames),
            room=room or 2 * c.window,
            fixed=fixed,
        )
        return empty(shape, b, dtype, self.registers.device)

    def parameter_groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The blocks' matrices, for Muon, and all others but the critic's, for AdamW."""
        matrices = [p for p in self.blocks.parameters() if min(p.shape) > 1]
        critic = () if self.critic is None else self.critic.parameters()
        chosen = {id(p) for p in (*matrices, *critic)}
        return matrices, [p for p in self.parameters() if id(p) not in chosen]

    def _play(
        self,
        scene: Scene,
        views: Sequence[LayerView],
        latents: Tensor,
        level: Tensor,
        stream: int,
        step: Tensor | None,
    ) -> tuple[Tensor, Sequence[Tensor]]:
        streams = torch.full((latents.shape[1],), stream, device=latents.device)
        condition = self.conditioning(level, streams, scene.action, scene.text, step)
        prior = scene.prior if stream == NOISY else None
        return self._trunk(latents, condition, scene.action, prior, scene.tables, views)

    def _trunk(
        self,
        latents: Tensor,
        condition: Tensor,
        action: Tensor,
        prior: Tensor | None,
        tables: Rotary,
        views: Sequence[View],
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """The stream (b, f, n, d) after the blocks, and the last shift and scale (b, f, 1, d)."""
        x = self._tokens(latents, action, prior)
        shared = self.modulation(F.silu(condition)).unflatten(-1, (6, -1))  # (b, f, 6, d)
        modulations = (shared + self.modulations[:, None, None]).to(x.dtype)
        for block, modulation, view in zip(self.blocks, modulations, views, strict=True):
            x = block(x, modulation.unsqueeze(3).unbind(2), tables, view)
        last = (shared[:, :, :2] + self.last_modulation).to(x.dtype)
        return x, last.unsqueeze(3).unbind(2)

    def _tokens(self, latents: Tensor, action: Tensor, prior: Tensor | None) -> Tensor:
        """Registers, then patches of the latents, as tokens (b, f, n, d); prior: in patches."""
        embedded = self.embed(self._patches(latents))
        if self.prior is not None and prior is not None:
            embedded = embedded + self.prior.embed(prior)
        registers = self.registers.to(embedded.dtype).expand(*latents.shape[:2], -1, -1)
        first = registers[:, :, :1] + self.action_token(action)[:, :, None].to(embedded.dtype)
        return torch.cat([first, registers[:, :, 1:], embedded], 2)

    def _prior(self, prior: Tensor | None) -> Tensor | None:
        """What the panorama knows, in patches; None without a camera."""
        return None if self.prior is None or prior is None else self._patches(prior)

    def _patches(self, grid: Tensor) -> Tensor:
        """Patches (b, f, y x, z p q) of latents or priors (b, f, z, y, x)."""
        p = self.config.patch
        patches = rearrange(grid, "b f z (y p) (x q) -> b f (y x) (z p q)", p=p, q=p)
        return patches.to(self.embed.weight.dtype)

    def _latents(
        self, x: Tensor, last: Sequence[Tensor], like: Tensor, prior: Tensor | None
    ) -> Tensor:
        """The latents (b, f, z, y, x), float32, in patches x (b, f, y x, d); prior: in patches."""
        p, (height, width) = self.config.patch, like.shape[-2:]
        x = modulated(x, last[0], last[1])
        out: Tensor = self.unembed(x).float()
        if self.prior is not None and prior is not None:
            out = self.prior.mixed(out, x, prior)
        grid = {"y": height // p, "x": width // p}
        return rearrange(out, "b f (y x) (z p q) -> b f z (y p) (x q)", p=p, q=p, **grid)

    def _clip_actions(self, actions: Tensor, known: Tensor | None, events: Tensor | None) -> Tensor:
        """Embeddings (b, t, d): of no action, then of the actions (b, t-1, a)."""
        if known is None:
            known = torch.ones(actions.shape[:2], dtype=torch.bool, device=actions.device)
        led = F.pad(actions, (0, 0, 1, 0))
        told = None if events is None else F.pad(events, (0, 0, 1, 0))
        return self.conditioning.embed_actions(led, F.pad(known, (1, 0)), told)

    def _rotary(self, frames: Tensor, latents: Tensor) -> Rotary:
        c = self.config
        grid = latents.shape[-2] // c.patch, latents.shape[-1] // c.patch
        return rotary(frames, grid, c.registers, (c.heads_space, c.heads_time), c.head_width)

    def _n(self, latents: Tensor) -> int:
        p = self.config.patch
        return self.config.registers + (latents.shape[-2] // p) * (latents.shape[-1] // p)
