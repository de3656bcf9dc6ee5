"""The models that dream what another learns from, and the latents that go with them."""

from typing import NamedTuple, Protocol

from worldsim.checkpoint import Meta
from worldsim.data.latents import LatentDataset
from worldsim.errors import UserError
from worldsim.models.depth import Depth
from worldsim.models.dynamics import Dynamics
from worldsim.models.tokenizer import Tokenizer
from worldsim.trained import load_depth, load_dynamics, load_tokenizer, short


class Named(Protocol):
    """Settings that name them: files of such networks, or world files that have them."""

    init: str | None
    tokenizer: str
    depth: str


class Models(NamedTuple):
    """What dreams: a tokenizer, a dynamics, each with its file's metadata, and a depth network."""

    tokenizer: Tokenizer
    tokenizer_meta: Meta
    dynamics: Dynamics
    dynamics_meta: Meta
    depth: Depth | None


def models_of(named: Named, data: LatentDataset) -> Models:
    """The models that were named.

    Raises:
        UserError: they do not belong together, or not to the latents.
    """
    tokenizer, meta = load_tokenizer(named.tokenizer)
    dynamics, told = load_dynamics(str(named.init))
    for name, own in (("latents", data.tokenizer), ("init", told["tokenizer"])):
        if own != meta["hash"]:
            raise UserError(
                f"{name} goes with tokenizer {short(own)}; {named.tokenizer} is"
                f" {short(meta['hash'])} (name the one it was made with)"
            )
    depth = depth_of(named.depth, data)
    if told.get("depth", "") != data.depth:
        raise UserError(
            f"init was trained with depth network {short(told.get('depth', ''))}; latents go with"
            f" {short(data.depth)} (name latents that were encoded with its own)"
        )
    return Models(tokenizer, meta, dynamics, told, depth)


def depth_of(path: str, *data: LatentDataset | None) -> Depth | None:
    """The depth network that the priors of all data were made with, or None.

    Raises:
        UserError: another one, none, or one too many was named.
    """
    depth, meta = load_depth(path) if path else (None, {"hash": ""})
    for latents in data:
        if latents is not None and latents.depth != meta["hash"]:
            raise UserError(
                f"latents were encoded with depth network {short(latents.depth)};"
                f" depth={path} is {short(meta['hash'])} (name the one, or encode again)"
            )
    return depth
