import gymnasium as gym
import numpy as np
import pytest

from worldsim import actions, imports
from worldsim.data import environments
from worldsim.errors import UserError


def test_our_ids_need_no_module_and_typos_are_answered():
    with pytest.raises(UserError, match="did you mean WorldSim/Voxel-v0"):
        environments.make("WorldSim/Voxl-v0")
    with pytest.raises(UserError, match="did you mean Tiny-v0"):
        environments.make("Tinny-v0")
    with pytest.raises(UserError, match="no module 'nowhere'"):
        environments.make("nowhere:Thing-v0")


def test_an_option_the_environment_lacks_is_a_user_error():
    with pytest.raises(UserError, match="colour"):
        environments.make("Tiny-v0", colour="red")


def test_image_key_finds_the_only_image():
    plain = environments.make("Tiny-v0")
    nested = environments.make("Tiny-v0", as_dict=True)
    assert environments.image_key(plain.observation_space) == ""
    assert environments.image_key(nested.observation_space) == "pov"
    assert environments.frame_shape(nested.observation_space, "pov") == (16, 16)


def test_image_key_asks_when_there_are_two_and_refuses_when_there_is_none():
    image = gym.spaces.Box(0, 255, (4, 4, 3), np.uint8)
    two = gym.spaces.Dict({"left": image, "right": image})
    assert environments.image_key(two, "right") == "right"
    with pytest.raises(UserError, match="left or right"):
        environments.image_key(two)
    with pytest.raises(UserError, match="needed a uint8 image"):
        environments.image_key(gym.spaces.Box(0, 1, (4, 4, 3), np.float32))
    with pytest.raises(UserError, match="needed a uint8 image"):
        environments.image_key(image, "pov")


def test_frame_of_does_not_change_with_the_environment():
    env = environments.make("Tiny-v0")
    observation, _ = env.reset(seed=0)
    frame = environments.frame_of(observation)
    env.step(3)
    assert frame[0, 0, 0] == 0


SPACES = [
    actions.space(),
    gym.spaces.Discrete(5, start=2),
    gym.spaces.Box(-1, 1, (3,), np.float64),
    gym.spaces.MultiDiscrete([3, 4]),
    gym.spaces.Dict({"move": gym.spaces.MultiBinary(3), "aim": gym.spaces.Box(-1, 1, (2,))}),
]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)
def test_vectors_of_any_action_space_come_back(space: gym.Space):
    space.seed(0)
    for _ in range(5):
        vector = environments.to_vector(space, space.sample())
        again = environments.to_vector(space, environments.from_vector(space, vector))
        assert vector.dtype == np.float32
        assert vector.shape == (len(environments.action_columns(space)),)
        np.testing.assert_array_equal(vector, again)


def test_the_controllers_columns_have_its_names():
    assert environments.action_columns(actions.space()) == actions.NAMES


def test_a_space_with_the_controllers_names_and_a_wider_camera_is_another():
    wide = gym.spaces.Dict({**actions.space(), "camera": gym.spaces.Box(-180, 180, (2,))})
    assert environments.action_columns(wide)[0] == "action.0"
    wide.seed(0)
    vector = environments.to_vector(wide, wide.sample())
    np.testing.assert_array_equal(
        vector, environments.to_vector(wide, environments.from_vector(wide, vector))
    )


def test_actions_without_a_fixed_size_are_refused():
    with pytest.raises(UserError, match="no fixed size"):
        environments.action_columns(gym.spaces.Sequence(gym.spaces.Discrete(2)))


def test_numbers_flattens_nested_info_and_drops_text():
    info = {"a": 1, "events": {"dug": 2.5, "name": "x"}, "xy": np.zeros(2), "on": True, "s": "t"}
    found = environments.numbers(info)
    assert set(found) == {"a", "events.dug", "xy", "on"}
    assert found["events.dug"] == 2.5
    assert found["on"].dtype == bool


def test_a_strangers_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in [key for key in imports.sys.modules if key.split(".")[0] == "envs"]:
        monkeypatch.delitem(imports.sys.modules, name)
    with pytest.raises(UserError, match="another project's package"):
        environments.make("WorldSim/Voxel-v0")


def test_load_attribute_says_what_is_wrong():
    with pytest.raises(UserError, match="not of the form"):
        imports.load_attribute("tiny")
    with pytest.raises(UserError, match="did you mean Cycle"):
        imports.load_attribute("tiny:Cicle")
