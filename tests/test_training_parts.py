"""The parts of the training loop: moving average, batches, journal, Muon."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from worldsim.training.average import Average
from worldsim.training.batches import Batches
from worldsim.training.journal import Journal
from worldsim.training.muon import ConvolutionMuon, orthogonal

torch.set_num_threads(1)


def test_average_follows_its_formula() -> None:
    model = nn.BatchNorm1d(1)
    average = Average(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(3.0)
        model.num_batches_tracked.fill_(7)
    average.update(model, step=0)  # decay 1/10
    assert float(average.model.weight) == pytest.approx(1 + 0.9 * 2)
    average.update(model, step=10_000)  # decay 0.9
    assert float(average.model.weight) == pytest.approx(2.8 + 0.1 * 0.2)
    assert int(average.model.num_batches_tracked) == 7
    assert not average.model.weight.requires_grad


def test_average_does_not_call_the_compiled_forward_of_the_original() -> None:
    model = nn.Linear(1, 1)
    original = model.forward
    model.forward = lambda x: original(x)
    average = Average(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(100.0)
    assert abs(float(average.model(torch.ones(1, 1)))) < 10


def test_batches_do_not_depend_on_threads_or_on_where_they_start() -> None:
    def draw(generator: np.random.Generator) -> int:
        time.sleep(float(generator.random()) * 0.005)
        return int(generator.integers(10**9))

    with Batches(draw, seed=3, threads=1, ahead=1) as batches:
        expected = [batches.take() for _ in range(12)]
    with Batches(draw, seed=3, step=4, threads=4, ahead=6) as batches:
        assert [batches.take() for _ in range(8)] == expected[4:]
    assert len(set(expected)) == 12


def test_journal_drops_lines_after_the_step_it_resumes_from(tmp_path: Path) -> None:
    with Journal(tmp_path, 0, tensorboard=False) as journal:
        journal.write(10, {"loss": 1.0})
        journal.write(20, {"loss": 0.5})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3')  # cut off by a crash
    with Journal(tmp_path, 10, tensorboard=False) as journal:
        journal.write(20, {"loss": 0.4})
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["loss"]) for row in rows] == [(10, 1.0), (20, 0.4)]


def test_journal_averages_between_lines(tmp_path: Path) -> None:
    with Journal(tmp_path, 0, tensorboard=True) as journal:
        journal.add({"loss": torch.tensor(1.0), "skipped": 0.0})
        journal.add({"loss": torch.tensor(2.0), "skipped": 1.0})
        journal.add({"skipped": 0.5})
        assert journal.means() == {"loss": 1.5, "skipped": 0.5}
        assert journal.means() == {}
        journal.write(2, {"loss": 1.5})
    assert list((tmp_path / "tensorboard").iterdir())


def test_orthogonal_keeps_singular_vectors_and_levels_singular_values() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((6, 30), (30, 6)):
        matrix = torch.randn(shape, generator=generator)
        values = torch.linalg.svdvals(orthogonal(matrix))
        assert (values > 0.6).all()
        assert (values < 1.3).all()
        assert (orthogonal(matrix) * matrix).sum() > 0


def test_orthogonal_is_the_plain_iteration() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(12, 40, generator=generator) * torch.logspace(-3, 0, 12)[:, None]
    x = matrix.double() / matrix.double().norm()
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    torch.testing.assert_close(orthogonal(matrix).double(), x, atol=2e-3, rtol=0)


def test_muon_fits_a_convolution() -> None:
    generator = torch.Generator().manual_seed(0)
    target = nn.Conv2d(4, 6, 3, bias=False)
    fitted = nn.Conv2d(4, 6, 3, bias=False)
    optimizer = ConvolutionMuon(fitted.parameters(), lr=1e-2)
    losses = []
    for _ in range(150):
        x = torch.randn(8, 4, 5, 5, generator=generator)
        loss = (fitted(x) - target(x).detach()).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 20
