"""The colours that stand for things."""

from typing import TypeAlias

Color: TypeAlias = tuple[int, int, int]

VIOLET, GREEN, BLUE = (167, 139, 250), (74, 222, 128), (96, 165, 250)
RED, AMBER, GREY = (248, 82, 82), (251, 191, 36), (148, 156, 172)
ACCENTS = {"DREAM": VIOLET, "EXACT": GREEN}
