"""The pygame window itself: opened or refused, sized, and holding the mouse."""

import os
import sys
from typing import TYPE_CHECKING

from worldsim.errors import UserError
from worldsim.viewer import ink

if TYPE_CHECKING:
    from pygame import Surface

WAY_OUT = "write a video instead: worldsim play headless=true frames=200 out=demo.mp4"
SIDE = 128
"""The picture's first size is a multiple of this, which most frames divide."""
BLIND_DRIVERS = ("dummy", "offscreen")


def open_window(size: tuple[int, int] | None) -> "Surface":
    """A resizable window of (width, height), or of the largest round size the screen has room for.

    Raises:
        UserError: there is no display.
    """
    chosen = os.environ.get("SDL_VIDEODRIVER")
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if sys.platform.startswith("linux") and not chosen and not display:
        raise UserError(f"there is no display (DISPLAY is not set); {WAY_OUT}")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    try:
        pygame.display.init()
        if not chosen and pygame.display.get_driver() in BLIND_DRIVERS:
            raise UserError(f"display {display} does not answer; {WAY_OUT}")
        pygame.font.init()
        pygame.joystick.init()  # gamepads report as events once this is done
        ink.forget_fonts()
        pygame.display.set_caption("worldsim")
        pygame.display.set_icon(_icon())
        window = pygame.display.set_mode(size or window_size((SIDE, SIDE)), pygame.RESIZABLE)
    except pygame.error as error:
        raise UserError(f"no window can be opened ({error}); {WAY_OUT}") from error
    pygame.key.stop_text_input()  # an input method would swallow keys
    return window


def refit(frame: tuple[int, int]) -> None:
    """Give the window the aspect of a frame (height, width)."""
    import pygame

    if pygame.display.get_window_size() != window_size(frame):
        pygame.display.set_mode(window_size(frame), pygame.RESIZABLE)


def window_size(frame: tuple[int, int]) -> tuple[int, int]:
    """(width, height) that shows a frame (height, width) large, with room to spare on the screen.

    Small frames are enlarged a whole number of times.
    """
    import pygame

    screen_width, screen_height = pygame.display.get_desktop_sizes()[0]
    height, width = frame
    scale = min(0.8 * screen_width / width, 0.8 * screen_height / height, 1024 / max(frame))
    scale = int(scale) if scale >= 3 else scale  # below, whole steps waste too much room
    wide, high = max(320, round(width * scale)), max(240, round(height * scale))
    strip = ink.strip_height(high)
    while ink.strip_height(high + strip) != strip:
        strip = ink.strip_height(high + strip)
    return wide, high + strip


def capture_mouse(wanted: bool) -> None:
    """Take the mouse, hidden and reporting unbounded travel, or give it back."""
    import pygame

    pygame.event.set_grab(wanted)
    pygame.mouse.set_visible(not wanted)


def _icon() -> "Surface":
    """A grass block, 32 pixels a side."""
    import pygame

    icon = pygame.Surface((32, 32))
    icon.fill((121, 85, 58))
    icon.fill((94, 178, 74), (0, 0, 32, 12))
    for x, y in ((0, 12), (8, 12), (20, 12), (28, 12)):
        icon.fill((94, 178, 74), (x, y, 4, 4))
    return icon
