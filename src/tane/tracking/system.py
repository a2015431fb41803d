"""Samples of what the machine and the process use, as metrics called `system.*`, while a run goes on.

psutil is asked where it is installed, else /proc; GPUs where NVIDIA's library is there. What a machine does not say is
left out. Sampling never ends a run.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from tane import errors, events

SECONDS = 10.0
_LEAST = 0.1
_MB = 1e6
_SECTOR = 512  # bytes, in /proc/diskstats whatever the disk


def seconds(wanted: bool | float) -> float:
    """How often to sample; 0 for never. Raises `errors.UsageError` for what says no time."""
    if isinstance(wanted, bool):
        return SECONDS if wanted else 0.0
    if not isinstance(wanted, int | float) or not wanted >= 0 or wanted == float("inf"):
        raise errors.UsageError(
            f"system_metrics is {wanted!r}", hint="write True, or the seconds between two samples, such as 5"
        )
    return max(float(wanted), _LEAST) if wanted else 0.0


class Sampler:
    """Samples into `sink` until `stop`, which takes a last one."""

    def __init__(self, sink: events.Sink, every: float) -> None:
        self._sink = sink
        self._every = every
        self._stopped = threading.Event()
        self._machine = Machine()
        self._thread = threading.Thread(target=self._work, name="tane-system", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the sampling."""
        self._stopped.set()
        self._thread.join(timeout=5)
        self._sample()

    def _work(self) -> None:
        while not self._stopped.wait(self._every):
            if not self._sample():
                return

    def _sample(self) -> bool:
        try:
            self._sink.log_metrics(self._machine.sample(), None)
        except Exception:  # the ledger is gone: the next that the run itself logs tells
            return False
        return True


class Machine:
    """The machine as it is between two looks."""

    def __init__(self, psutil: ModuleType | None = None, gpus: Gpus | None = None) -> None:
        self._psutil = psutil or _psutil()
        self._gpus = gpus if gpus is not None else find_gpus()
        self._at = time.monotonic()
        self._busy = self._clock()
        self._own = time.process_time()
        self._first = self._moved()

    def sample(self) -> dict[str, float]:
        """The metrics since the last sample."""
        now, own, busy = time.monotonic(), time.process_time(), self._clock()
        found = {"system.process.cpu.percent": 100 * (own - self._own) / max(now - self._at, 1e-6)}
        if busy and self._busy and busy[1] > self._busy[1]:
            found["system.cpu.percent"] = 100 * (busy[0] - self._busy[0]) / (busy[1] - self._busy[1])
        self._at, self._own, self._busy = now, own, busy
        found |= self._memory()
        moved = self._moved()
        found |= {name: (moved[name] - first) / _MB for name, first in self._first.items() if name in moved}
        for gpu in self._gpus.sample() if self._gpus else ():
            found |= gpu
        return found

    def _clock(self) -> tuple[float, float] | None:
        """Seconds that the processors have worked, and those they have had."""
        if self._psutil is not None:
            times = self._psutil.cpu_times()
            idle = times.idle + getattr(times, "iowait", 0.0)
            total = sum(getattr(times, name) for name in times._fields if name not in ("guest", "guest_nice"))
            return total - idle, total
        fields = next(iter(_lines("/proc/stat")), [])
        ticks = [float(field) for field in fields[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4], sum(ticks)) if len(ticks) == 8 else None

    def _memory(self) -> dict[str, float]:
        if self._psutil is not None:
            whole, own = self._psutil.virtual_memory(), self._psutil.Process().memory_info().rss
            return {"system.memory.percent": float(whole.percent), "system.process.memory.mb": own / _MB}
        found = {}
        size = {fields[0]: float(fields[1]) for fields in _lines("/proc/meminfo") if len(fields) > 1}
        if size.get("MemTotal:") and "MemAvailable:" in size:
            found["system.memory.percent"] = 100 * (1 - size["MemAvailable:"] / size["MemTotal:"])
        for fields in _lines("/proc/self/statm"):
            found["system.process.memory.mb"] = int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / _MB
        return found

    def _moved(self) -> dict[str, float]:
        """Bytes read, written, received and sent since the machine has started."""
        found: dict[str, float] = {}
        if self._psutil is not None:
            disk, net = self._psutil.disk_io_counters(), self._psutil.net_io_counters()
            if disk is not None:
                found |= {"system.disk.read.mb": disk.read_bytes, "system.disk.written.mb": disk.write_bytes}
            if net is not None:
                found |= {"system.network.received.mb": net.bytes_recv, "system.network.sent.mb": net.bytes_sent}
            return found
        disks = [fields for fields in _lines("/proc/diskstats") if len(fields) > 9 and not fields[2][-1:].isdigit()]
        if disks:
            found["system.disk.read.mb"] = sum(float(fields[5]) for fields in disks) * _SECTOR
            found["system.disk.written.mb"] = sum(float(fields[9]) for fields in disks) * _SECTOR
        cards = [fields for fields in _lines("/proc/net/dev") if fields[0].endswith(":") and fields[0] != "lo:"]
        if cards:
            found["system.network.received.mb"] = sum(float(fields[1]) for fields in cards)
            found["system.network.sent.mb"] = sum(float(fields[9]) for fields in cards)
        return found


def _psutil() -> ModuleType | None:
    try:
        return importlib.import_module("psutil")
    except ImportError:
        return None


def _lines(path: str) -> list[list[str]]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return [line.split() for line in file if line.strip()]
    except OSError:
        return []


# --- GPUs -----------------------------------------------------------------------------------------------------------


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class Gpus:
    """NVIDIA's management library, and the GPUs it knows."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._devices: list[ctypes.c_void_p] = []
        count = ctypes.c_uint()
        if library.nvmlInit_v2() or library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return
        for index in range(count.value):
            device = ctypes.c_void_p()
            if not library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(device)):
                self._devices.append(device)

    def __len__(self) -> int:
        return len(self._devices)

    def sample(self) -> list[Mapping[str, float]]:
        """The metrics of each GPU."""
        return [self._of(device, f"system.gpu.{index}") for index, device in enumerate(self._devices)]

    def _of(self, device: ctypes.c_void_p, name: str) -> dict[str, float]:
        found: dict[str, float] = {}
        use, memory, number = _Utilization(), _Memory(), ctypes.c_uint()
        library = self._library
        if not library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(use)):
            found[f"{name}.percent"] = float(use.gpu)
        if not library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) and memory.total:
            found[f"{name}.memory.percent"] = 100 * memory.used / memory.total
            found[f"{name}.memory.mb"] = memory.used / _MB
        if not library.nvmlDeviceGetPowerUsage(device, ctypes.byref(number)):
            found[f"{name}.watts"] = number.value / 1000
        if not library.nvmlDeviceGetTemperature(device, ctypes.c_int(0), ctypes.byref(number)):
            found[f"{name}.celsius"] = float(number.value)
        return found


def find_gpus(load: Callable[[str], Any] = ctypes.CDLL) -> Gpus | None:
    """The GPUs of this machine, or None where there are none to ask."""
    for name in ("libnvidia-ml.so.1", "libnvidia-ml.so", "nvml.dll"):
        try:
            return Gpus(load(name)) or None
        except (OSError, AttributeError):
            continue
    return None
