"""What passes through the dynamics say, and what stays the same between those of one frame."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from worldsim.models.cache import Cache, LayerView
from worldsim.models.heads import Outlook
from worldsim.models.layers import Rotary


@dataclass
class Prediction:
    """What one forward pass over a clip says.

    latents: (b, t, z, y, x), the clean latents of the noisy stream.
    outlook: what the heads say of the frames (b, t) of the clean stream.
    """

    latents: Tensor
    outlook: Outlook


@dataclass(frozen=True)
class Scene:
    """All that stays the same while the next `f` frames are denoised and committed.

    cache: opened for them. tables: their rotary tables. action: (b, f, d) embeddings. prior:
    in patches, or None.
    denoising, committing: the past as each block sees it. text: (b, text width) or None.
    """

    cache: Cache
    tables: Rotary
    action: Tensor
    prior: Tensor | None
    denoising: Sequence[LayerView]
    committing: Sequence[LayerView]
    text: Tensor | None
