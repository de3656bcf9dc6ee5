"""The help page: titled columns, as large as fits, in parts where a window is small."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from worldsim.viewer import ink
from worldsim.viewer.help import Column

if TYPE_CHECKING:
    from pygame import Rect, Surface

LEAST = 11
"""Pixels of the smallest text of the page; where that does not fit, it has several parts."""


@dataclass(frozen=True)
class Page:
    """Columns in stacks beside one another, for text of a size."""

    size: int
    stacks: tuple[tuple[Column, ...], ...]

    @property
    def line(self) -> int:
        """Pixels from row to row."""
        return round(1.6 * self.size)

    def widths(self, stack: Sequence[Column]) -> tuple[int, int]:
        """Pixels of the keys and of the texts of a stack."""
        rows = [row for _, part in stack for row in part]
        keys, texts = (max(ink.text_width(row[i], self.size) for row in rows) for i in (0, 1))
        return keys + self.size, texts

    def height(self, stack: Sequence[Column]) -> int:
        """Pixels of a stack."""
        rows = sum(len(part) + 1 for _, part in stack)
        return self.line * rows + (len(stack) - 1) * self.line // 2

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height in pixels, margins included."""
        wide = sum(sum(self.widths(stack)) for stack in self.stacks)
        wide += (len(self.stacks) - 1) * 2 * self.size
        return wide + 3 * self.size, max(map(self.height, self.stacks)) + 2 * self.size


def count(window: "Surface", columns: tuple[Column, ...]) -> int:
    """Parts that the page has in a window."""
    return len(pages(columns, *_room(window), ink.text_size(window.get_height())))


@lru_cache(8)
def pages(columns: tuple[Column, ...], width: int, height: int, size: int) -> tuple[Page, ...]:
    """The parts of the page in so much room: one with the largest text, or several small ones."""
    for smaller in range(size, LEAST - 1, -1):
        page = _arranged(columns, width, height, smaller)
        if page is not None:
            return (page,)
    line = round(1.6 * LEAST)
    height -= line  # for the number of the part
    rows = max(1, (height - 2 * LEAST) // line - 1)
    found: list[Page] = []
    current: tuple[Column, ...] = ()
    for column in _cut(columns, rows):
        page = _arranged((*current, column), width, height, LEAST)
        if page is not None and current:
            found[-1], current = page, (*current, column)
        else:
            current = (column,)
            found.append(page or Page(LEAST, (current,)))
    return tuple(found)


def paint(window: "Surface", columns: tuple[Column, ...], part: int, picture: "Rect") -> None:
    """Draw a part of the page, counted from 1, over the darkened picture."""
    import pygame

    ink.veil(window, picture, 150)
    found = pages(columns, *_room(window), ink.text_size(window.get_height()))
    page = found[min(part, len(found)) - 1]
    size = page.size
    panel = pygame.Rect(0, 0, *page.shape)
    panel.height += page.line if len(found) > 1 else 0
    panel.center = picture.center
    ink.panel(window, panel, size, 240)
    x = panel.left + round(1.5 * size)
    for stack in page.stacks:
        y = panel.top + size + page.line // 2
        keys, texts = page.widths(stack)
        for title, rows in stack:
            ink.write(window, title.upper(), ink.FAINT, size, midleft=(x, y))
            for key, text in rows:
                y += page.line
                ink.write(window, key, ink.BRIGHT, size, midleft=(x, y))
                ink.write(window, text, ink.SOFT, size, midleft=(x + keys, y))
            y += page.line + page.line // 2
        x += keys + texts + 2 * size
    if len(found) > 1:
        place = panel.centerx, panel.bottom - page.line // 2 - 2
        ink.write(window, f"{part} / {len(found)}", ink.FAINT, size, midbottom=place)


def _room(window: "Surface") -> tuple[int, int]:
    """Pixels for the page: the window without its strip and a margin."""
    width, height = window.get_size()
    return width - 8, height - ink.strip_height(height) - 8


def _arranged(columns: tuple[Column, ...], width: int, height: int, size: int) -> Page | None:
    """The columns in as few stacks as fit, level with one another, or None."""
    for stacks in range(1, len(columns) + 1):
        best = min(
            (Page(size, split) for split in _splits(columns, stacks)), key=lambda p: p.shape[1]
        )
        if best.shape[0] <= width and best.shape[1] <= height:
            return best
    return None


def _splits(columns: tuple[Column, ...], stacks: int) -> Iterator[tuple[tuple[Column, ...], ...]]:
    """Every way to put columns, in order, into so many stacks."""
    for cuts in combinations(range(1, len(columns)), stacks - 1):
        yield tuple(columns[a:b] for a, b in pairwise((0, *cuts, len(columns))))


def _cut(columns: tuple[Column, ...], rows: int) -> Iterator[Column]:
    """The columns, none longer than so many rows."""
    for title, part in columns:
        for start in range(0, len(part), rows):
            yield title, part[start : start + rows]
