import h5py
import numpy as np
import pytest

from worldsim.data import episode, writer
from worldsim.data.environments import make
from worldsim.data.episode import Header
from worldsim.data.writer import Writer
from worldsim.errors import UserError


@pytest.fixture
def path(recorded):
    return recorded(episodes=1) / "episode_000000.h5"


def test_an_action_is_taken_on_its_frame_and_produces_the_next(path):
    played = episode.read(path)
    acted = played.actions.argmax(1)
    np.testing.assert_array_equal(played.frames[:, 0, 0, 0], np.arange(21))
    np.testing.assert_array_equal(played.frames[1:, 0, 0, 1], 10 * acted + 1)
    np.testing.assert_array_equal(played.rewards, acted)
    np.testing.assert_array_equal(played.info["clock"], np.arange(21))
    assert played.frames[0, 0, 0, 1] == 0


def test_pixels_are_kept_without_loss(path):
    env = make("Tiny-v0")
    observation, _ = env.reset(seed=0)
    played = episode.read(path)
    np.testing.assert_array_equal(played.frames[0], observation)
    for i, action in enumerate(played.actions.argmax(1)):
        np.testing.assert_array_equal(played.frames[i + 1], env.step(action)[0])


@pytest.mark.parametrize(("start", "stop"), [(0, 20), (3, 11), (19, 20), (7, 7), (0, 1)])
def test_a_window_is_a_slice_of_the_whole(path, start, stop):
    whole, window = episode.read(path), episode.read(path, start, stop)
    np.testing.assert_array_equal(window.frames, whole.frames[start : stop + 1])
    for name in ("actions", "rewards", "terminated", "truncated"):
        np.testing.assert_array_equal(getattr(window, name), getattr(whole, name)[start:stop])
    for key, array in whole.info.items():
        np.testing.assert_array_equal(window.info[key], array[start : stop + 1])


@pytest.mark.parametrize(("start", "stop"), [(-1, 4), (5, 21), (6, 5)])
def test_a_window_outside_is_an_error(path, start, stop):
    with pytest.raises(IndexError, match="20 actions"):
        episode.read(path, start, stop)


def test_info_keeps_what_every_frame_has(path):
    info = episode.read(path).info
    assert set(info) == {"clock", "events.even", "place", "engine_version"}
    assert info["place"].shape == (21, 2)


def test_verify_finds_changed_frames(path):
    episode.verify(path)
    header = episode.read_header(path)
    played = episode.read(path)
    played.frames[4, 2, 2] ^= 1
    writer.add_frames(path, [writer.pack(frame) for frame in played.frames])
    assert episode.read_header(path) == header
    with pytest.raises(UserError, match="sha256"):
        episode.verify(path)


@pytest.mark.parametrize("name", ["frames", "actions", "rewards", "info/clock"])
def test_a_flipped_byte_is_found(path, name):
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"episode_000000\.h5"):
        episode.verify(path)


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_named_with_the_way_out(path, keep):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(UserError, match=r"episode_000000\.h5 is damaged .* run the same"):
        episode.read(path)


def test_a_missing_file_is_named(path):
    path.unlink()
    with pytest.raises(UserError, match=r"episode_000000\.h5 is missing"):
        episode.read_header(path)


def test_frames_left_out_are_asked_for_with_the_way_out(recorded):
    path = recorded(episodes=1, frames=False) / "episode_000000.h5"
    assert episode.read(path, frames=False).frames.shape == (0, 16, 16, 3)
    episode.verify(path)
    with pytest.raises(UserError, match="worldsim rebuild data="):
        episode.read(path)


def test_frames_of_changing_size_are_refused():
    taken = Writer()
    taken.start(np.zeros((4, 4, 3), np.uint8), {})
    with pytest.raises(UserError, match=r"\(4, 5, 3\)"):
        taken.step(np.zeros(1), np.zeros((4, 5, 3), np.uint8), 0, (False, False), {})


def test_an_episode_of_one_frame_can_be_kept(tmp_path):
    taken = Writer()
    taken.start(np.zeros((4, 4, 3), np.uint8), {})
    taken.save(tmp_path / "one.h5", Header(seed=0, env_id="Tiny-v0"))
    assert episode.read(tmp_path / "one.h5").frames.shape == (1, 4, 4, 3)
