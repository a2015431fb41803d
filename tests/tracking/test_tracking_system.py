"""Samples of the machine."""

import ctypes
import time

import pytest

import tane
from tane import errors
from tane.tracking import system


def test_a_run_samples_the_machine_when_asked_to(here):
    with tane.start_run(system_metrics=0.1) as run:
        until = time.monotonic() + 30
        while "system.cpu.percent" not in run.metrics and time.monotonic() < until:
            time.sleep(0.02)
    found = run.metrics
    assert 0 <= found["system.cpu.percent"].last <= 100
    assert 0 < found["system.memory.percent"].last < 100
    assert found["system.process.memory.mb"].last > 10
    assert found["system.process.cpu.percent"].count >= 2  # the last one at its end


def test_unasked_nothing_is_sampled(here):
    with tane.start_run() as run:
        pass
    assert not run.metrics


def test_without_psutil_the_kernel_is_asked_and_says_the_same(monkeypatch):
    with_psutil = system.Machine().sample()
    monkeypatch.setattr(system, "_psutil", lambda: None)
    without = system.Machine().sample()
    assert without.keys() | {"system.cpu.percent"} == with_psutil.keys() | {"system.cpu.percent"}
    for name in ("system.memory.percent", "system.process.memory.mb"):
        assert without[name] == pytest.approx(with_psutil[name], rel=0.3, abs=5)


class Library:
    """NVIDIA's library as ctypes sees it, with two GPUs, the second of which says little."""

    def nvmlInit_v2(self):  # noqa: N802
        return 0

    def nvmlDeviceGetCount_v2(self, count):  # noqa: N802
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, device):  # noqa: N802
        device._obj.value = index.value + 1
        return 0

    def nvmlDeviceGetUtilizationRates(self, device, use):  # noqa: N802
        use._obj.gpu = 40
        return 0 if device.value == 1 else 3

    def nvmlDeviceGetMemoryInfo(self, device, memory):  # noqa: N802
        memory._obj.total, memory._obj.used = 8_000_000_000, 2_000_000_000
        return 0

    def nvmlDeviceGetPowerUsage(self, device, number):  # noqa: N802
        number._obj.value = 123_000
        return 0 if device.value == 1 else 3

    def nvmlDeviceGetTemperature(self, device, sensor, number):  # noqa: N802
        assert isinstance(sensor, ctypes.c_int)
        number._obj.value = 60
        return 0 if device.value == 1 else 3


def test_gpus_are_sampled_where_the_library_is_there():
    gpus = system.find_gpus(lambda name: Library())
    found = system.Machine(gpus=gpus).sample()
    assert {name: value for name, value in found.items() if "gpu" in name} == {
        "system.gpu.0.percent": 40.0,
        "system.gpu.0.memory.percent": 25.0,
        "system.gpu.0.memory.mb": 2000.0,
        "system.gpu.0.watts": 123.0,
        "system.gpu.0.celsius": 60.0,
        "system.gpu.1.memory.percent": 25.0,
        "system.gpu.1.memory.mb": 2000.0,
    }


def test_a_machine_without_the_library_has_no_gpus():
    def missing(name):
        raise OSError(name)

    assert system.find_gpus(missing) is None


@pytest.mark.parametrize("wanted", [-1, "often", float("inf"), float("nan")])
def test_what_says_no_time_is_refused(wanted):
    with pytest.raises(errors.UsageError, match="system_metrics is"):
        system.seconds(wanted)
