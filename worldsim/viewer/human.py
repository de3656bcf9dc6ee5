"""A plain window for `render_mode="human"`: shows frames, keeps pace, takes no keys."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.viewer.window import open_window


class HumanWindow:
    """A pygame window that shows one frame after another at a steady rate."""

    def __init__(self, title: str, fps: float) -> None:
        import pygame

        self._fps, self._surface = fps, open_window(None)
        self._clock: Any = pygame.time.Clock()
        pygame.display.set_caption(title)

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Show a frame (h, w, 3), enlarged without smoothing, and wait for its time."""
        import pygame

        width, height = self._surface.get_size()
        scale = min(width / frame.shape[1], height / frame.shape[0])
        size = int(frame.shape[1] * scale), int(frame.shape[0] * scale)
        picture = pygame.surfarray.make_surface(frame.swapaxes(0, 1))
        self._surface.fill((0, 0, 0))
        place = (width - size[0]) // 2, (height - size[1]) // 2
        self._surface.blit(pygame.transform.scale(picture, size), place)
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Close the window."""
        import pygame

        pygame.display.quit()
