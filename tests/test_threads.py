"""How long idle threads of GNU's OpenMP spin: briefly, unless somebody has said otherwise."""

import os
import subprocess
import sys

import pytest

_CODE = "import os, worldsim; print(os.environ.get('GOMP_SPINCOUNT'))"


@pytest.mark.parametrize(
    ("said", "told"),
    [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "None")],
)
def test_idle_threads_spin_briefly_unless_told_otherwise(said, told):
    names = "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"
    env = {name: value for name, value in os.environ.items() if name not in names}
    run = [sys.executable, "-c", _CODE]
    out = subprocess.run(run, env={**env, **said}, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == told
