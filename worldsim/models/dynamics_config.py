"""The shape of a dynamics model, as files have it."""

from dataclasses import dataclass, field

from worldsim.camera import CameraConfig


@dataclass
class DynamicsConfig:
    """The shape of a dynamics model; any grid whose sides `patch` divides can be fed to it."""

    latent_channels: int = 8
    patch: int = 2
    """Latents of a side that one token stands for."""
    action_size: int = 21
    angles: list[int] = field(default_factory=lambda: [19, 20])
    """Action columns in degrees; the others are fed as they are."""
    switches: list[int] = field(default_factory=lambda: [*range(10, 19)])
    """Action columns that change the picture at once, as a number key the hotbar."""
    width: int = 256
    blocks: int = 4
    heads_space: int = 4
    heads_time: int = 4
    head_width: int = 32
    mlp_ratio: int = 4
    registers: int = 4
    """Tokens without a place; the first carries the action, all feed the heads."""
    window: int = 16
    """Frames that attention along time reaches, the own one included."""
    local_frames: int = 1
    """Frames before the own one whose every token is seen."""
    text_width: int = 0
    """Width of an optional text embedding; 0 leaves the slot out."""
    camera: CameraConfig = field(default_factory=CameraConfig)
    """The camera that priors follow; with a field of view of 0 there are none."""
    events: list[str] = field(default_factory=list)
    """What can happen in a tick."""
    grid: bool = False
    """Whether the world, seen through a camera, is made of blocks of size 1 in a grid."""
    falls: bool = False
    """Whether some of these blocks fall, put down over nothing."""
    grid_attention: bool = False
    """Whether places see each other in the network that tells where it lies."""
    overlay: bool = False
    """Whether a network of its own tells what events change of what is laid over the view."""
    liquids: bool = False
    """Whether bodies are told liquids, if the depth network tells them."""

    def __post_init__(self) -> None:
        """Plain data, as files have it, becomes the camera's own class."""
        if isinstance(self.camera, dict):
            self.camera = CameraConfig(**self.camera)
