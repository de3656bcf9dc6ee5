"""A world simulator that people play, train agents in and measure.

Shape legend used everywhere (einops letters): `b` batch, `t` frames, `h w` pixels, `y x` latent
grid, `c` image channels, `z` latent channels, `n` tokens a frame, `d` model width, `k` heads,
`a` action columns.
"""

import os

# Large temporaries come and go with every operator; huge pages make that cheap (Linux only).
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
# Threads that have nothing to do spin for a tenth of a millisecond: long enough for the next
# operator to find them awake, short enough that what runs beside has the core (GNU's OpenMP only).
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__version__ = "0.1.0"
