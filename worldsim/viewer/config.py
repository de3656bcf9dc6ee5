"""The options of `worldsim play`."""

from dataclasses import dataclass, field
from typing import Any

from worldsim.errors import UserError


@dataclass
class Config:
    """What to play and how."""

    env: str = "WorldSim/Dream-v0"
    """Gymnasium id of the world that opens."""
    exact: str | None = "WorldSim/Voxel-v0"
    """Gymnasium id of the other world, under Tab; null for none."""
    env_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of `env`."""
    exact_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of `exact`."""
    checkpoint: str | None = None
    """The trained world of the dream; null for the one that ships."""
    steps: int | None = None
    """Sampling steps a dreamt frame; null for the checkpoint's own."""
    device: str | None = None
    """Where the dream is computed: cpu, cuda, mps; null for the best there is."""
    seed: int | None = None
    """Seed of the first start, null for 0 or a recording's own; a new start takes the next one."""
    start_index: int | None = None
    """Which of the checkpoint's start contexts the dream opens with; null lets the seed draw it."""
    image: str | None = None
    """A picture that the dream starts from instead."""

    fps: float = 20.0
    """Ticks a second, of the world and of videos. A dream in a window that is too slow for them
    gives up threads that do not help, then precision, then sampling steps (unless set above)."""
    pace: bool = True
    """Whether it may; without, a save goes on bit for bit on any machine that is as exact."""
    width: int | None = None
    height: int | None = None
    """Window size in pixels; null fits the screen."""
    sensitivity: float = 0.15
    """Degrees the camera turns for one pixel of mouse travel."""
    invert_y: bool = False
    """Moving the mouse up looks down."""
    bind: dict[str, Any] = field(default_factory=dict)
    """Keys other than the default ones: bind.rewind=B, bind.sneak="C LSHIFT"; F1 lists all."""
    rewind: float = 60.0
    """Seconds that can be gone back, in each of at most four branches; at 128x128 and 20 frames/s
    a second takes 1 MB of memory, 2 MB with both worlds on screen."""
    save: str = "saves/world.npz"
    """File that F5 writes and F9 reads; the save before it stays beside it."""
    captures: str = "captures"
    """Folder of screenshots and recordings."""
    scale: int | None = None
    """Video pixels along the side of one frame pixel; null enlarges small frames."""

    headless: bool = False
    """Write a video instead of opening a window."""
    script: str = "demo"
    """Who plays when headless: demo, still, or actions as file.npz or file.npz:entry."""
    policy: str | None = None
    """A policy as `worldsim record` names them: M hands over to it (null: explorer); headless, it
    plays in place of the script."""
    policy_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the policy."""
    beside: bool = False
    """Headless: show `exact` to the right, from the same place and under the same actions."""
    starts: int = 1
    """Headless: play the script from that many start contexts; four and more are in two columns."""
    keys: str | None = None
    """Headless: keys pressed in the window, as "W:20 F BACKSPACE:15 W+D:20 G _:10" (ticks each)."""
    every: int = 1
    """Headless: keep one picture of that many, for smaller videos."""
    frames: int | None = None
    """Frames to show, then stop; null: no end (window), the whole script (headless)."""
    out: str | None = None
    """Video that headless play writes: .mp4 or .gif; null: play.mp4 in the run's folder."""


def check(config: Config) -> None:
    """Raise UserError at the first option that is out of range."""
    positive = {
        "fps": config.fps,
        "sensitivity": config.sensitivity,
        "rewind": config.rewind,
        "every": config.every,
        **{
            name: value
            for name in ("width", "height", "scale", "frames", "steps", "starts")
            if (value := getattr(config, name)) is not None
        },
    }
    for name, value in positive.items():
        if not value > 0:
            raise UserError(f"{name} is {value}; needed more than 0 (leave it out for the default)")
    if (config.width is None) != (config.height is None):
        raise UserError(
            f"width is {config.width} and height is {config.height}; give both or neither"
        )
    if config.image is not None and config.start_index is not None:
        raise UserError(f"image={config.image} and start_index={config.start_index}; give one")
    if config.seed is not None and config.seed < 0:
        raise UserError(f"seed is {config.seed}; needed 0 or more (for example seed=0)")
    if config.start_index is not None and config.start_index < 0:
        raise UserError(f"start_index is {config.start_index}; needed 0 or more")
