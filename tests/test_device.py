import pytest
import torch

from worldsim import device
from worldsim.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _fresh_measurement() -> None:
    device._measured_dtype.cache_clear()


def measured(monkeypatch: pytest.MonkeyPatch, bf16_seconds: float) -> list[torch.dtype]:
    calls: list[torch.dtype] = []

    def seconds(where: torch.device, dtype: torch.dtype, size: int = 512) -> float:
        calls.append(dtype)
        return bf16_seconds if dtype == torch.bfloat16 else 1.0

    monkeypatch.setattr(device, "matmul_seconds", seconds)
    return calls


def test_auto_finds_a_device_that_works() -> None:
    assert torch.ones(2, device=device.pick_device()).sum() == 2


def test_unknown_and_absent_devices_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="needed auto, cuda, mps, cpu"):
        device.pick_device("abacus")
    with pytest.raises(UserError, match="not available"):
        device.pick_device("cuda:1")


def test_bf16_is_taken_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, bf16_seconds=0.5)
    assert device.pick_dtype(CPU) == torch.bfloat16


def test_bf16_is_left_where_it_is_hardly_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, bf16_seconds=0.95)
    assert device.pick_dtype(CPU) == torch.float32


def test_a_device_without_bf16_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_kernel(*args: object) -> float:
        raise RuntimeError("not implemented for BFloat16")

    monkeypatch.setattr(device, "matmul_seconds", no_kernel)
    assert device.pick_dtype(CPU) == torch.float32


def test_measured_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = measured(monkeypatch, bf16_seconds=0.5)
    device.pick_dtype(CPU)
    device.pick_dtype(CPU)
    assert len(calls) == 2


def test_a_name_overrides_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = measured(monkeypatch, bf16_seconds=0.5)
    assert device.pick_dtype(CPU, "float32") == torch.float32
    assert not calls
    with pytest.raises(UserError, match="needed auto, float32, bfloat16"):
        device.pick_dtype(CPU, "float8")


def test_the_real_measurement_runs() -> None:
    assert device.matmul_seconds(CPU, torch.float32, size=64) > 0
    assert device.pick_dtype(CPU) in device.DTYPES.values()


def test_autocast_changes_products_only_for_bf16() -> None:
    matrix = torch.ones(4, 4)
    with device.autocast(CPU, torch.bfloat16):
        assert (matrix @ matrix).dtype == torch.bfloat16
    with device.autocast(CPU, torch.float32):
        assert (matrix @ matrix).dtype == torch.float32


def test_without_a_compiler_the_function_runs_eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def broken_compile(function: object, **options: object) -> object:
        def fail(*args: object) -> None:
            attempts.append(args)
            raise RuntimeError("no C++ compiler")

        return fail

    monkeypatch.setattr(torch, "compile", broken_compile)
    double = device.compile_or_eager(lambda x: 2 * x)
    assert [double(3), double(4)] == [6, 8]
    assert len(attempts) == 1
