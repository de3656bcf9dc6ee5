"""How much memory this process takes."""

import sys
from pathlib import Path


def resident_mb() -> float:
    """Megabytes of memory that this process has now; on other systems than Linux, at most had."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        import resource

        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    return peak_mb()


def peak_mb() -> float:
    """Megabytes of memory that this process had at most; NaN where nobody keeps count."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux's rusage begins with the memory of whoever started the process
        most = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(most.split()[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    had = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return had / 1e6 if sys.platform == "darwin" else had * 1024 / 1e6
