"""Paints a `View` on the window: title strip, picture, notices, help."""

import math
import textwrap
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from worldsim.data.environments import Frame
from worldsim.viewer.controls import HelpRow
from worldsim.viewer.view import Card, Color, View

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


def paint(window: "Surface", view: View, seconds: float) -> None:
    """Draw the whole window; `seconds` moves what turns or blinks."""
    import pygame

    area = window.get_rect()
    size = text_size(area.height)
    top = strip_height(area.height)
    picture = pygame.Rect(0, top, area.width, max(1, area.height - top))
    window.fill(BACKDROP)
    if view.frame is not None:
        place = fit(view.frame.shape[:2], picture)
        window.blit(pygame.transform.scale(image(view.frame).convert(), place.size), place)
    if view.overlay:
        _overlay(window, view.overlay, (picture.x + size, picture.y + size), size)
    if view.help:
        _help(window, view.help, picture, size)
    elif view.card is not None:
        _card(window, view, view.card, picture, seconds)
    if not view.help:
        _toasts(window, view.toasts, picture, size)
    _strip(window, view, size, seconds)


def _strip(window: "Surface", view: View, size: int, seconds: float) -> None:
    """Title strip: which world, where in it, what is switched on."""
    import pygame

    area = pygame.Rect(0, 0, window.get_width(), strip_height(window.get_height()))
    window.fill(STRIP, area)
    window.fill(view.accent, (0, area.bottom - 2, area.width, 2))
    pill = _pill(window, view.label, view.accent, (size // 2, area.centery - 1), size)
    _text(window, view.title, SOFT, size, midleft=(pill.right + size // 2, area.centery - 1))
    right = area.right - size // 2
    status = _text(window, view.status, SOFT, size, midright=(right, area.centery - 1))
    right = status.left - size // 2
    for text, color in view.badges:
        shade = color if text == "PAUSED" or seconds % 1 < 0.6 else _mix(color, STRIP, 0.45)
        width = _text_width(text, size) + size
        right = _pill(window, text, shade, (right - width, area.centery - 1), size).left - size // 2


def _pill(
    window: "Surface", text: str, color: Color, midleft: tuple[int, int], size: int
) -> "Rect":
    """A word on a rounded field of colour; the field's place."""
    import pygame

    field = pygame.Rect(0, 0, _text_width(text, size) + size, round(1.4 * size))
    field.midleft = midleft
    pygame.draw.rect(window, color, field, border_radius=field.height // 2)
    _text(window, text, BACKDROP, size, center=field.center)
    return field


def _card(window: "Surface", view: View, card: Card, picture: "Rect", seconds: float) -> None:
    """A notice in the middle; the picture behind it darkens."""
    import pygame

    size = text_size(window.get_height())
    _veil(window, picture, 110)
    big = round(1.9 * size)
    width = max(_text_width(card.title, big), _text_width(card.text, size))
    wheel = round(3.2 * size) if card.busy else 0
    panel = pygame.Rect(0, 0, width + 4 * size, round(big * 1.2) + 3 * size + wheel)
    panel.height += round(1.6 * size) if card.text else 0
    panel.center = picture.center
    _panel(window, panel, size)
    pygame.draw.rect(window, view.accent, (panel.centerx - size, panel.top, 2 * size, 3))
    y = panel.top + round(1.4 * size)
    if card.busy:
        _wheel(window, (panel.centerx, y + size), size, view.accent, seconds)
        y += wheel
    _text(window, card.title, BRIGHT, big, midtop=(panel.centerx, y))
    if card.text:
        _text(window, card.text, SOFT, size, midtop=(panel.centerx, y + round(1.6 * big)))


def _wheel(
    window: "Surface", center: tuple[int, int], size: int, color: Color, seconds: float
) -> None:
    """Eight dots that fade around a circle, once a second."""
    import pygame

    for dot in range(8):
        angle = 2 * math.pi * dot / 8
        place = (center[0] + size * math.cos(angle), center[1] + size * math.sin(angle))
        age = (seconds - dot / 8) % 1
        pygame.draw.circle(window, _mix(color, PANEL, age), place, max(2, size // 5))


def _overlay(
    window: "Surface", rows: tuple[tuple[str, str], ...], topleft: tuple[int, int], size: int
) -> None:
    """Measurements in the picture's corner."""
    import pygame

    line = round(1.45 * size)
    names = max(_text_width(name, size) for name, _ in rows) + size
    values = max(_text_width(value, size) for _, value in rows)
    panel = pygame.Rect(*topleft, names + values + 2 * size, line * len(rows) + size)
    _panel(window, panel, size, 190)
    for i, (name, value) in enumerate(rows):
        y = panel.top + size // 2 + round((i + 0.5) * line)
        _text(window, name, SOFT, size, midleft=(panel.left + size, y))
        _text(window, value, BRIGHT, size, midleft=(panel.left + size + names, y))


def _help(
    window: "Surface",
    columns: tuple[tuple[str, tuple[HelpRow, ...]], ...],
    picture: "Rect",
    size: int,
) -> None:
    """Every key, in titled columns over the darkened picture."""
    import pygame

    _veil(window, picture, 150)
    line = round(1.75 * size)
    fitting = max(1, (picture.height - 5 * size) // line)
    widths = [
        [max(_text_width(row[i], size) for row in rows) for i in (0, 1)] for _, rows in columns
    ]
    total = sum(sum(pair) + 3 * size for pair in widths) + size
    tallest = min(fitting, max(len(rows) for _, rows in columns))
    panel = pygame.Rect(0, 0, min(total, picture.width), line * tallest + round(4.4 * size))
    panel.center = picture.center
    _panel(window, panel, size, 240)
    x = panel.left + 2 * size
    for (title, rows), (keys, texts) in zip(columns, widths, strict=True):
        y = panel.top + round(1.9 * size)
        _text(window, title.upper(), FAINT, size, midleft=(x, y))
        for i, (key, text) in enumerate(rows[:fitting]):
            row = y + round((i + 1.3) * line)
            _text(window, key, BRIGHT, size, midleft=(x, row))
            _text(window, text, SOFT, size, midleft=(x + keys + size, row))
        x += keys + texts + 3 * size


def _toasts(window: "Surface", toasts: tuple[str, ...], picture: "Rect", size: int) -> None:
    """Notices low in the picture, above where games keep their hotbar; the newest lowest."""
    import pygame

    y = picture.top + round(0.82 * picture.height)
    line = round(1.4 * size)
    letters = max(8, (picture.width - 4 * size) // max(1, _text_width("n", size)))
    for text in reversed(toasts):
        lines = textwrap.wrap(text, letters) or [""]
        width = max(_text_width(part, size) for part in lines)
        panel = pygame.Rect(0, 0, width + 2 * size, line * len(lines) + round(0.8 * size))
        panel.midbottom = (picture.centerx, y)
        _panel(window, panel, size, 225)
        for i, part in enumerate(lines):
            middle = panel.top + round(0.4 * size + (i + 0.5) * line)
            _text(window, part, BRIGHT, size, center=(panel.centerx, middle))
        y = panel.top - size // 3


def _veil(window: "Surface", area: "Rect", strength: int) -> None:
    import pygame

    veil = pygame.Surface(area.size, pygame.SRCALPHA)
    veil.fill((*BACKDROP, strength))
    window.blit(veil, area)


def _panel(window: "Surface", area: "Rect", size: int, strength: int = 230) -> None:
    import pygame

    panel = pygame.Surface(area.size, pygame.SRCALPHA)
    pygame.draw.rect(panel, (*PANEL, strength), panel.get_rect(), border_radius=size // 2)
    window.blit(panel, area)


def _text(
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


def _text_width(text: str, size: int) -> int:
    return round(_font(2 * size).size(text)[0] / 2)


@cache
def _font(size: int) -> "Font":
    import pygame

    return pygame.font.Font(None, round(1.3 * size))


def _mix(color: Color, other: Color, share: float) -> Color:
    """The colour with a share (0..1) of another."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue
