"""Ink of the window: text, panels, pictures; the sizes and colours that all of it shares."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from worldsim.data.environments import Frame
from worldsim.viewer.colors import Color

if TYPE_CHECKING:
    from pygame import Rect, Surface
    from pygame.font import Font

BACKDROP, STRIP, PANEL = (11, 13, 18), (20, 23, 31), (20, 23, 31)
BRIGHT, SOFT, FAINT = (233, 236, 242), (176, 183, 196), (118, 126, 143)


def forget_fonts() -> None:
    """Drop cached fonts and lines: those of a closed pygame cannot be used again."""
    _font.cache_clear()
    _written.cache_clear()


def strip_height(window_height: int) -> int:
    """Pixels of the title strip above the picture."""
    return round(2.3 * text_size(window_height))


def text_size(window_height: int) -> int:
    """Pixels of plain text, for a window of that height."""
    return max(12, min(22, window_height // 44))


def fit(frame: tuple[int, int], area: "Rect") -> "Rect":
    """The largest rectangle in the area with the aspect of a frame (height, width), centred."""
    import pygame

    height, width = frame
    scale = min(area.width / width, area.height / height)
    fitted = pygame.Rect(0, 0, max(1, round(width * scale)), max(1, round(height * scale)))
    fitted.center = area.center
    return fitted


def image(frame: Frame) -> "Surface":
    """A frame (h, w, 3) as a surface of its own size."""
    import pygame

    return pygame.image.frombytes(frame.tobytes(), (frame.shape[1], frame.shape[0]), "RGB")


def pill(window: "Surface", text: str, color: Color, midleft: tuple[int, int], size: int) -> "Rect":
    """A word on a rounded field of colour; the field's place."""
    import pygame

    field = pygame.Rect(0, 0, text_width(text, size) + size, round(1.4 * size))
    field.midleft = midleft
    pygame.draw.rect(window, color, field, border_radius=field.height // 2)
    write(window, text, BACKDROP, size, center=field.center)
    return field


def veil(window: "Surface", area: "Rect", strength: int) -> None:
    """Darken an area, 0..255."""
    import pygame

    dark = pygame.Surface(area.size, pygame.SRCALPHA)
    dark.fill((*BACKDROP, strength))
    window.blit(dark, area)


def panel(window: "Surface", area: "Rect", size: int, strength: int = 230) -> None:
    """A rounded field for text; the less strength (0..255), the more shines through."""
    import pygame

    field = pygame.Surface(area.size, pygame.SRCALPHA)
    pygame.draw.rect(field, (*PANEL, strength), field.get_rect(), border_radius=size // 2)
    window.blit(field, area)


def write(
    window: "Surface", text: str, color: Color, size: int, **place: tuple[int, int]
) -> "Rect":
    """Write a line at a place such as `midleft=(x, y)`; the rectangle it covers."""
    drawn = _written(text, color, size)
    return window.blit(drawn, drawn.get_rect(**place))


@lru_cache(512)
def _written(text: str, color: Color, size: int) -> "Surface":
    """A line of text; drawn large and shrunk, as small letters are not spaced evenly."""
    import pygame

    large = _font(2 * size).render(text, True, color)
    shape = (round(large.get_width() / 2), round(large.get_height() / 2))
    return pygame.transform.smoothscale(large, shape)


def text_width(text: str, size: int) -> int:
    """Pixels that a line of text is wide."""
    return round(_font(2 * size).size(text)[0] / 2)


@cache
def _font(size: int) -> "Font":
    import pygame

    return pygame.font.Font(None, round(1.3 * size))


def mix(color: Color, other: Color, share: float) -> Color:
    """The colour with a share (0..1) of another."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue
