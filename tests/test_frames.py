import numpy as np
import pytest
import torch

from worldsim.data import frames
from worldsim.errors import UserError


@pytest.fixture
def every_byte() -> np.ndarray:
    return np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)


def moving_square(count: int, height: int, width: int) -> np.ndarray:
    video = np.full((count, height, width, 3), 40, np.uint8)
    for i in range(count):
        video[i, 4:12, 2 * i : 2 * i + 8] = (250, 60, 20)
    return video


def test_every_byte_survives_the_round_trip(every_byte: np.ndarray) -> None:
    floats = frames.to_float(every_byte)
    assert floats.shape == (1, 3, 16, 16)
    assert (floats.min(), floats.max()) == (-1, 1)
    np.testing.assert_array_equal(frames.to_uint8(floats), every_byte)


def test_floats_are_channels_last_without_a_copy(every_byte: np.ndarray) -> None:
    assert frames.to_float(every_byte).is_contiguous(memory_format=torch.channels_last)


def test_leading_axes_are_kept() -> None:
    video = np.random.default_rng(0).integers(0, 256, (2, 5, 8, 6, 3), dtype=np.uint8)
    floats = frames.to_float(video)
    assert floats.shape == (2, 5, 3, 8, 6)
    np.testing.assert_array_equal(frames.to_uint8(floats), video)


def test_values_out_of_range_are_clipped() -> None:
    floats = torch.tensor([-1.5, 0.0, 1.5]).reshape(3, 1, 1)
    assert frames.to_uint8(floats).ravel().tolist() == [0, 128, 255]


def test_only_bytes_are_taken() -> None:
    with pytest.raises(TypeError, match="needed uint8"):
        frames.to_float(torch.zeros(1, 4, 4, 3))


def test_resize_keeps_flat_colours_and_the_leading_axes() -> None:
    video = np.full((2, 3, 8, 8, 3), (10, 200, 30), np.uint8)
    small = frames.resize(video, (4, 6))
    assert small.shape == (2, 3, 4, 6, 3)
    assert (small == np.array((10, 200, 30))).all()


def test_resize_averages_when_it_shrinks() -> None:
    checker = (np.indices((8, 8)).sum(0) % 2 * 200).astype(np.uint8)[..., None].repeat(3, -1)
    assert abs(int(frames.resize(checker, (2, 2)).mean()) - 100) < 5


def test_resize_to_the_same_size_changes_nothing(every_byte: np.ndarray) -> None:
    assert frames.resize(every_byte, (16, 16)) is every_byte


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_video_round_trip(tmp_path, suffix: str) -> None:
    video = moving_square(6, 32, 48)
    path = frames.write_video(tmp_path / f"clip{suffix}", video, fps=20)
    back, fps = frames.read_video(path)
    assert back.shape == video.shape
    assert fps == pytest.approx(20)
    assert np.abs(back.astype(int) - video).mean() < 6


def test_mp4_of_odd_sides_is_extended_by_one(tmp_path) -> None:
    path = frames.write_video(tmp_path / "odd.mp4", moving_square(2, 33, 47))
    assert frames.read_video(path)[0].shape == (2, 34, 48, 3)


def test_read_video_stops_at_the_limit(tmp_path) -> None:
    path = frames.write_video(tmp_path / "clip.mp4", moving_square(8, 32, 32))
    assert len(frames.read_video(path, limit=3)[0]) == 3


def test_bad_videos_are_explained(tmp_path) -> None:
    with pytest.raises(UserError, match=r"use \.mp4 or \.gif"):
        frames.write_video(tmp_path / "clip.avi", moving_square(2, 32, 32))
    with pytest.raises(UserError, match=r"needs \(t, h, w, 3\)"):
        frames.write_video(tmp_path / "clip.mp4", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(UserError, match="no such video"):
        frames.read_video(tmp_path / "absent.mp4")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(UserError, match="cannot be read"):
        frames.read_video(tmp_path / "text.mp4")
