"""Paints a `View` on the window: title strip, pictures, notices, help."""

import math
import textwrap
from typing import TYPE_CHECKING

from worldsim.viewer import helppage, ink, tiles
from worldsim.viewer.colors import AMBER, Color
from worldsim.viewer.view import Card, View

if TYPE_CHECKING:
    from pygame import Rect, Surface

LEAST = 9
"""Pixels of the smallest text that measurements shrink to in a narrow window."""


def paint(window: "Surface", view: View, seconds: float) -> None:
    """Draw the whole window; `seconds` moves what turns or blinks."""
    import pygame

    area = window.get_rect()
    size = ink.text_size(area.height)
    top = ink.strip_height(area.height)
    picture = pygame.Rect(0, top, area.width, max(1, area.height - top))
    window.fill(ink.BACKDROP)
    if view.beside is not None and view.frame is not None:
        tiles.paint(window, view, view.beside, picture, size)
    elif view.frame is not None:
        place = ink.fit(view.frame.shape[:2], picture)
        window.blit(pygame.transform.scale(ink.image(view.frame).convert(), place.size), place)
    if view.left is not None:
        _left(window, view.left, picture, size)
    if view.overlay:
        _overlay(window, view.overlay, _spare(view, picture, size), size)
    if view.help:
        helppage.paint(window, view.help, view.help_part, picture)
    elif view.card is not None:
        _card(window, view, view.card, picture, seconds)
    if not view.help:
        _toasts(window, view.toasts, picture, size)
    _strip(window, view, size, seconds)


def _spare(view: View, picture: "Rect", size: int) -> "Rect":
    """Where measurements hide least: beside a twin over the difference, which is no game."""
    if view.beside is None or view.frame is None:
        return picture
    return tiles.tiled((view.frame.shape[0], view.frame.shape[1]), picture, size)[2]


def _strip(window: "Surface", view: View, size: int, seconds: float) -> None:
    """Title strip: which world, what is switched on, and, where there is room, where in it."""
    import pygame

    area = pygame.Rect(0, 0, window.get_width(), ink.strip_height(window.get_height()))
    window.fill(ink.STRIP, area)
    middle, gap = area.centery - 1, size // 2
    window.fill(view.accent, (0, area.bottom - 2, area.width, 2))
    left = ink.pill(window, view.label, view.accent, (gap, middle), size).right + gap
    if view.beside is not None:
        half = area.width // 2
        window.fill(view.beside.accent, (half, area.bottom - 2, area.width - half, 2))
        left = ink.pill(window, view.beside.label, view.beside.accent, (left, middle), size).right
        left += gap
    right = area.right - gap
    for text, color in view.badges:
        lit = not text.startswith("REC ") or seconds % 1 < 0.6
        width = ink.text_width(text, size) + size
        shade = color if lit else ink.mix(color, ink.STRIP, 0.45)
        if right - width > left:
            right = ink.pill(window, text, shade, (right - width, middle), size).left - gap
    for text, place in ((view.status, "midright"), (view.title, "midleft")):
        width = ink.text_width(text, size)
        if text and right - left >= width:
            at = (right if place == "midright" else left, middle)
            ink.write(window, text, ink.SOFT, size, **{place: at})
            right -= width + size if place == "midright" else 0


def _left(window: "Surface", share: float, picture: "Rect", size: int) -> None:
    """While going back: a bar at the bottom, as long as what is still to come."""
    height = max(3, size // 4)
    window.fill(ink.PANEL, (picture.left, picture.bottom - height, picture.width, height))
    width = round(share * picture.width)
    window.fill(AMBER, (picture.left, picture.bottom - height, width, height))


def _card(window: "Surface", view: View, card: Card, picture: "Rect", seconds: float) -> None:
    """A notice in the middle; the picture behind it darkens."""
    import pygame

    size = ink.text_size(window.get_height())
    ink.veil(window, picture, 110)
    big = round(1.9 * size)
    width = max(ink.text_width(card.title, big), ink.text_width(card.text, size))
    wheel = round(3.2 * size) if card.busy else 0
    panel = pygame.Rect(0, 0, width + 4 * size, round(big * 1.2) + 3 * size + wheel)
    panel.height += round(1.6 * size) if card.text else 0
    panel.center = picture.center
    ink.panel(window, panel, size)
    pygame.draw.rect(window, view.accent, (panel.centerx - size, panel.top, 2 * size, 3))
    y = panel.top + round(1.4 * size)
    if card.busy:
        _wheel(window, (panel.centerx, y + size), size, view.accent, seconds)
        y += wheel
    ink.write(window, card.title, ink.BRIGHT, big, midtop=(panel.centerx, y))
    if card.text:
        ink.write(window, card.text, ink.SOFT, size, midtop=(panel.centerx, y + round(1.6 * big)))


def _wheel(
    window: "Surface", center: tuple[int, int], size: int, color: Color, seconds: float
) -> None:
    """Eight dots that fade around a circle, once a second."""
    import pygame

    for dot in range(8):
        angle = 2 * math.pi * dot / 8
        place = (center[0] + size * math.cos(angle), center[1] + size * math.sin(angle))
        age = (seconds - dot / 8) % 1
        pygame.draw.circle(window, ink.mix(color, ink.PANEL, age), place, max(2, size // 5))


def _overlay(
    window: "Surface", rows: tuple[tuple[str, str], ...], picture: "Rect", size: int
) -> None:
    """Measurements in the picture's corner, smaller where there is little room."""
    import pygame

    def shape(size: int) -> tuple[int, int, int]:
        names = max(ink.text_width(name, size) for name, _ in rows) + size
        values = max(ink.text_width(value, size) for _, value in rows)
        return names, names + values + 2 * size, round(1.45 * size) * len(rows) + size

    margin = size // 2
    while size > LEAST and (
        shape(size)[1] > picture.width - 2 * margin or shape(size)[2] > picture.height - 2 * margin
    ):
        size -= 1
    names, width, height = shape(size)
    panel = pygame.Rect(picture.x + margin, picture.y + margin, width, height)
    ink.panel(window, panel, size, 200)
    for i, (name, value) in enumerate(rows):
        y = panel.top + size // 2 + round((i + 0.5) * round(1.45 * size))
        ink.write(window, name, ink.SOFT, size, midleft=(panel.left + size, y))
        ink.write(window, value, ink.BRIGHT, size, midleft=(panel.left + size + names, y))


def _toasts(window: "Surface", toasts: tuple[str, ...], picture: "Rect", size: int) -> None:
    """Notices low in the picture, above where games keep their hotbar; the newest lowest."""
    import pygame

    y = picture.top + round(0.82 * picture.height)
    line = round(1.4 * size)
    letters = max(8, (picture.width - 4 * size) // max(1, ink.text_width("n", size)))
    for text in reversed(toasts):
        lines = textwrap.wrap(text, letters) or [""]
        width = max(ink.text_width(part, size) for part in lines)
        panel = pygame.Rect(0, 0, width + 2 * size, line * len(lines) + round(0.8 * size))
        panel.midbottom = (picture.centerx, y)
        ink.panel(window, panel, size, 225)
        for i, part in enumerate(lines):
            middle = panel.top + round(0.4 * size + (i + 0.5) * line)
            ink.write(window, part, ink.BRIGHT, size, center=(panel.centerx, middle))
        y = panel.top - size // 3
