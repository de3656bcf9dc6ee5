"""A person's own keys: what they do, and what is refused."""

from typing import Any

import pygame
import pytest
from playable import button, key
from windows import Launch, begun, last, press, tap, world

from worldsim.errors import UserError
from worldsim.viewer.bindings import COMMANDS, GAME, Bindings


def test_every_default_key_exists_and_does_one_thing() -> None:
    bindings = Bindings()
    assert set(bindings.commands.values()) == set(COMMANDS)
    assert {*bindings.controls.values(), *bindings.buttons.values()} == set(GAME)
    assert not set(bindings.commands) & set(bindings.controls)


def test_own_keys_take_the_place_of_the_default_ones(launch: Launch) -> None:
    own = {"restart": "F12", "forward": "E UP", "look_up": "", "attack": "C", "use": "MOUSE_LEFT"}
    app = begun(launch, bind=own)
    for name, control in (("E", "forward"), ("UP", "forward"), ("C", "attack")):
        tap(app, name)
        assert last(app)[control] == 1
    tap(app, "W")
    assert last(app)["forward"] == 0
    press(app, button(1))
    assert (last(app)["use"], last(app)["attack"]) == (1, 0)
    tap(app, "R")
    assert world(app).seed == 0
    app.handle(key("F12"))
    assert app.session.busy


def test_the_help_page_names_own_keys(launch: Launch) -> None:
    app = begun(launch, bind={"restart": "F12", "forward": "E", "rewind": "LEFTBRACKET"})
    rows = dict(row for _, part in tap(app, "F1").help for row in part)
    assert rows["E A S D"] == "walk"
    assert rows["F12"] == "new start"
    assert "go back" in rows["["]
    assert rows["1-9, wheel"] == "hotbar slot"


def test_slots_may_be_nested_as_a_page_writes_them() -> None:
    assert Bindings({"hotbar": {1: "Z", "2": "X"}}).keys["hotbar.2"] == ("X",)


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        ({"rewnd": "B"}, r"bind\.rewnd: nothing is called so; did you mean rewind\?"),
        ({"rewind": "BAKSPACE"}, r"no key is called BAKSPACE; did you mean BACKSPACE\?"),
        ({"rewind": "€"}, "no key is called € .names are like"),
        ({"rewind": "R"}, "R would be both restart and rewind; give one of them another key"),
        ({"rewind": "MOUSE_LEFT"}, "no key is called MOUSE_LEFT"),
        ({"forward": "W W"}, "W would be both forward and forward"),
    ],
)
def test_mistakes_are_explained(own: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Bindings(own)


def test_places_not_letters_count() -> None:
    assert Bindings({"fork": "Z"}).commands[pygame.KSCAN_Z] == "fork"
