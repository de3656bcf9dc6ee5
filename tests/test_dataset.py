import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from worldsim.data import dataset, episode
from worldsim.data.dataset import Dataset, FrameDataset, refuse_held_out, split_of
from worldsim.errors import UserError


def test_several_folders_are_one(recorded):
    data = Dataset([recorded("a", steps=7), recorded("b", seed=5, episodes=3)])
    assert len(data) == 5
    assert data.seeds.tolist() == [0, 1, 5, 6, 7]
    assert data.lengths.tolist() == [7, 7, 20, 20, 20]
    window = data.window(3, 4, 6)
    assert window.seed == 6
    np.testing.assert_array_equal(window.frames[:, 0, 0, 0], np.arange(4, 11))


def test_frames_come_in_the_order_asked_also_twice(recorded):
    data = FrameDataset([recorded("a", steps=7), recorded("b", seed=5)])
    assert len(data) == 2 * 8 + 2 * 21
    indices = [57, 0, 16, 15, 16, 37]
    shown = data.frames(np.array(indices))[:, 0, 0]
    np.testing.assert_array_equal(shown[:, 0], [20, 0, 0, 7, 0, 0])
    np.testing.assert_array_equal(shown[:, 2], [6, 0, 5, 1, 5, 6])
    with pytest.raises(IndexError):
        data.frames([58])


def test_single_frames_are_those_of_the_episode(recorded):
    folder = recorded(episodes=1)
    whole = episode.read(folder / "episode_000000.h5", info=False)
    np.testing.assert_array_equal(FrameDataset(folder).frames(np.arange(21)), whole.frames)
    assert whole.info == {}


def test_a_damaged_frame_is_named(recorded):
    folder = recorded(episodes=1)
    data, path = FrameDataset(folder), folder / "episode_000000.h5"
    offset, size = episode.frame_places(path)[4]
    content = bytearray(path.read_bytes())
    content[offset + size // 2] ^= 255
    path.write_bytes(content)
    data.frames([3])
    with pytest.raises(UserError, match=r"episode_000000\.h5 is damaged"):
        data.frames([4])


def test_threads_may_share_a_data_set(recorded):
    data = FrameDataset(recorded(episodes=4))
    draws = np.random.default_rng(0).integers(len(data), size=(24, 8))
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(data.frames, draws))
    for draw, batch in zip(draws, batches, strict=True):
        np.testing.assert_array_equal(batch[:, 0, 0, 0], draw % 21)


def test_opening_reads_the_index_and_not_the_files(recorded, monkeypatch):
    folder = recorded()
    monkeypatch.setattr(episode, "read_header", lambda path: pytest.fail("opened a file"))
    assert Dataset(folder).lengths.tolist() == [20, 20]


def test_an_outdated_index_is_not_believed(recorded):
    folder = recorded()
    path = folder / dataset.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["index"]["episode_000001.h5"].update(bytes=1, length=99)
    path.write_text(json.dumps(manifest))
    assert Dataset(folder).lengths.tolist() == [20, 20]


def test_a_missing_episode_is_named(recorded):
    folder = recorded()
    (folder / "episode_000001.h5").unlink()
    with pytest.raises(UserError, match=r"episode_000001\.h5 is missing; run the same"):
        Dataset(folder)


def test_what_is_no_data_set_is_refused(tmp_path, recorded):
    with pytest.raises(UserError, match=r"dataset\.json is missing"):
        Dataset(tmp_path)
    with pytest.raises(UserError, match="no data set was given"):
        Dataset([])
    folder = recorded()
    (folder / dataset.MANIFEST).write_text("{")
    with pytest.raises(UserError, match="damaged"):
        Dataset(folder)
    (folder / dataset.MANIFEST).write_text('{"format": "other"}')
    with pytest.raises(UserError, match="format"):
        Dataset(folder)


def test_frames_of_another_size_are_refused(recorded):
    small, large = recorded("small", env_options={"size": 8}), recorded("large")
    with pytest.raises(UserError, match=r"large was recorded at 16x16 frames; this needs 8x8"):
        Dataset([small, large])
    with pytest.raises(UserError, match=r"8x8 frames; .* 16x16"):
        Dataset(small, frame_shape=(16, 16))


def test_single_frames_need_frames(recorded):
    with pytest.raises(UserError, match="worldsim rebuild"):
        FrameDataset(recorded(frames=False))


@pytest.mark.parametrize(
    ("seed", "split"),
    [
        (0, "train"),
        (699_999, "train"),
        (700_000, "validation"),
        (800_000, "test"),
        (899_999, "test"),
        (900_000, "reserved"),
        (10**9, "reserved"),
    ],
)
def test_split_of(seed, split):
    assert split_of(seed) == split


def test_held_out_seeds_are_refused(recorded):
    train, held_out = Dataset(recorded("a")), Dataset(recorded("b", seed=800_000))
    refuse_held_out(train, "training")
    refuse_held_out(held_out, "evaluation", ("validation", "test"))
    with pytest.raises(UserError, match="seed 800000, of the test split; training uses train"):
        refuse_held_out(held_out, "training")
