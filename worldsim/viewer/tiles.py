"""Two worlds side by side, where they differ, and how that goes over time."""

from typing import TYPE_CHECKING

from worldsim.viewer import ink
from worldsim.viewer.colors import AMBER, Color
from worldsim.viewer.view import CHART, Beside, View

if TYPE_CHECKING:
    from pygame import Rect, Surface

GRIDS = ((4, 1), (2, 2), (1, 4))
"""Columns and rows that four tiles may stand in."""
TOPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Differences that the chart may end at."""


def paint(window: "Surface", view: View, beside: Beside, picture: "Rect", size: int) -> None:
    """Draw four tiles: the world, its twin, their difference, and its chart."""
    assert view.frame is not None
    shape = view.frame.shape[0], view.frame.shape[1]
    places = tiled(shape, picture, size)
    latest = beside.apart[-1] if beside.apart else None
    apart = "" if latest is None else f"{100 * latest:.1f} %"
    _picture(window, ink.image(view.frame), (view.label, "", view.accent), places[0], size)
    caption = beside.label, beside.notice, beside.accent
    _picture(window, ink.image(beside.frame), caption, places[1], size)
    caption = "DIFFERENCE", apart, AMBER
    heat = None if beside.heat is None else ink.image(beside.heat)
    _picture(window, heat, caption, places[2], size)
    _chart(window, beside.apart, places[3], size)


def tiled(shape: tuple[int, int], picture: "Rect", size: int) -> "list[Rect]":
    """The places of four pictures of one shape (height, width), captions above, largest first.

    Pictures are enlarged a whole number of times where they are at least three times as large.
    """
    import pygame

    gap, caption = max(4, size // 2), round(1.6 * size)
    height, width = shape

    def scale(grid: tuple[int, int]) -> float:
        columns, rows = grid
        wide = (picture.width - gap * (columns + 1)) / columns
        high = (picture.height - gap * (rows + 1)) / rows - caption
        return max(0.01, min(wide / width, high / height))

    grid = max(GRIDS, key=scale)
    times = scale(grid)
    times = int(times) if times >= 3 else times
    columns, rows = grid
    w, h = max(1, int(width * times)), max(1, int(height * times))
    left = picture.left + (picture.width - columns * w - (columns - 1) * gap) // 2
    top = picture.top + (picture.height - rows * (h + caption) - (rows - 1) * gap) // 2
    return [
        pygame.Rect(
            left + i % columns * (w + gap), top + i // columns * (h + caption + gap) + caption, w, h
        )
        for i in range(4)
    ]


def _picture(
    window: "Surface",
    surface: "Surface | None",
    caption: tuple[str, str, Color],
    place: "Rect",
    size: int,
) -> None:
    import pygame

    _caption(window, *caption, place, size)
    if surface is None:
        window.fill(ink.PANEL, place)
        text = "pictures of other sizes"
        ink.write(window, text, ink.FAINT, size, center=place.center)
    else:
        fitted = ink.fit((surface.get_height(), surface.get_width()), place)
        window.blit(pygame.transform.scale(surface.convert(), fitted.size), fitted)


def _caption(
    window: "Surface", name: str, text: str, color: Color, place: "Rect", size: int
) -> None:
    """A word in its colour above a tile, and a number or notice after it."""
    y = place.top - round(0.8 * size)
    right = ink.write(window, name, color, size, midleft=(place.left, y)).right
    if right + size + ink.text_width(text, size) <= place.right:
        ink.write(window, text, ink.BRIGHT, size, midleft=(right + size // 2, y))


def _chart(window: "Surface", values: tuple[float, ...], place: "Rect", size: int) -> None:
    """The latest differences as a line, newest at the right, over a scale that fits them."""
    import pygame

    _caption(window, "OVER TIME", "", ink.SOFT, place, size)
    window.fill(ink.PANEL, place)
    top = next((value for value in TOPS if value >= max(values, default=0.0)), 1.0)
    plot = place.inflate(-size, -size)
    for share in (0.0, 0.5, 1.0):
        y = plot.bottom - 1 - round(share * (plot.height - 1))
        pygame.draw.line(
            window, ink.mix(ink.FAINT, ink.PANEL, 0.6), (plot.left, y), (plot.right, y)
        )
        place_of = {"topleft" if share == 1 else "bottomleft": (plot.left, y)}
        ink.write(window, f"{100 * share * top:g} %", ink.FAINT, max(10, size - 3), **place_of)
    step = plot.width / (CHART - 1)
    points = [
        (plot.right - i * step, plot.bottom - 1 - value / top * (plot.height - 1))
        for i, value in enumerate(reversed(values))
    ]
    if len(points) > 1:
        pygame.draw.lines(window, AMBER, False, points, max(2, size // 8))
    if points:
        pygame.draw.circle(window, AMBER, points[0], max(3, size // 5))
