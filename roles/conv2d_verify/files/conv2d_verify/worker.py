"""The worker: import torch once, then run one case after another until told to end."""

from __future__ import annotations

import os
import platform
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from conv2d_verify import libraries, protocol
from conv2d_verify.cases import Case
from conv2d_verify.session import Session

# The same numbers on every host and every run, so that two verdicts can be compared.
SEED = 20221215
_TRACE_LINES = 12


def serve(commands: int, events: int, device: str) -> None:
    """Answer the parent until it says end or hangs up."""

    def say(message: dict[str, Any]) -> None:
        protocol.send(events, message)

    start = time.perf_counter()
    try:
        import torch

        hello = _hello(torch, device)
    except BaseException as error:
        say({"say": "fatal", "error": _words(error), "trace": _trace()})
        os._exit(1)
    say({"say": "hello", "seconds": time.perf_counter() - start, **hello})
    for message in _messages(commands):
        if message["do"] == "end":
            break
        case = Case.from_json(message["case"])
        say({"say": "begin", "case": case.id})
        say({"say": "result", "case": case.id, **_run(torch, device, case, say)})
    # Taking torch and the driver down in order can take longer than a case, and proves nothing.
    os._exit(0)


def _run(torch: Any, device: str, case: Case, say: Any) -> dict[str, Any]:
    from conv2d_verify import operations

    session = Session(torch, device, case.id, say)
    torch.manual_seed(SEED)
    start = time.perf_counter()
    answer: dict[str, Any] = {"status": "pass", "reason": "", "findings": []}
    try:
        session.forget_peak()
        answer["findings"] = operations.BY_NAME[case.op](session, case)
        bad = [finding for finding in answer["findings"] if finding["problem"]]
        if bad:
            answer["status"] = "fail"
    except Exception as error:
        # The case failed, the worker did not.
        answer.update(_failure(error))
    answer.update(
        seconds=time.perf_counter() - start,
        times=session.times,
        backward_times=session.backward_times,
        vram_bytes=session.peak() if answer["status"] in ("pass", "fail") else None,
        libraries=_libraries(torch),
    )
    return answer


def _failure(error: Exception) -> dict[str, Any]:
    text = str(error)
    absent = isinstance(error, AttributeError) and text.startswith("module 'torch")
    if absent or isinstance(error, NotImplementedError) or "not implemented for" in text:
        # A stand-in or a trimmed build has not every operation: nothing was proven, and nothing disproven.
        return {"status": "skipped", "reason": _words(error)}
    memory = isinstance(error, MemoryError) or "out of memory" in text.lower()
    kind = "out-of-memory" if memory else "exception"
    return {"status": "error", "kind": kind, "reason": _words(error), "trace": _trace()}


def _hello(torch: Any, device: str) -> dict[str, Any]:
    """Find out what runs here, and wake the device so that the first case does not pay for it."""
    cuda_matmul = getattr(getattr(torch, "backends", None), "cudnn", None)
    if cuda_matmul is not None:
        # NVIDIA's 10-bit shortcut for float32 would be far outside the bounds, and rightly so.
        cuda_matmul.allow_tf32 = False
    version = getattr(torch, "version", None)
    doc = getattr(torch, "__doc__", "") or ""
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "torch": str(torch.__version__),
        "torch_root": str(Path(torch.__file__).resolve().parent),
        "stand_in": "STAND-IN" in doc,
        "hip": getattr(version, "hip", None),
        "cuda": getattr(version, "cuda", None),
        "miopen": _miopen(torch) if getattr(version, "hip", None) else None,
        "numpy": _numpy(),
        "gpu_available": bool(torch.cuda.is_available()),
        "gpu": None,
        "threads": torch.get_num_threads() if hasattr(torch, "get_num_threads") else None,
    }
    if device.startswith("cuda") and found["gpu_available"]:
        index = int(device.partition(":")[2] or 0)
        count = int(torch.cuda.device_count())
        found["gpu_count"] = count
        if index < count:
            torch.cuda.set_device(index) if hasattr(torch.cuda, "set_device") else None
            found["gpu"] = _gpu(torch, index)
            torch.cuda.synchronize()
    found["libraries"] = _libraries(torch)
    return found


def _gpu(torch: Any, index: int) -> dict[str, Any]:
    properties = getattr(torch.cuda, "get_device_properties", None)
    known = properties(index) if properties is not None else None
    capability = [int(part) for part in torch.cuda.get_device_capability(index)]
    arch = getattr(known, "gcnArchName", None)
    if arch is None and getattr(torch.version, "hip", None):
        # Older ROCm builds only tell the capability: (10, 3) is gfx103x.
        arch = f"gfx{capability[0]}{capability[1]}x"
    return {
        "index": index,
        "name": str(torch.cuda.get_device_name(index)),
        "capability": capability,
        "runtime_gfx": arch,
        "memory_bytes": getattr(known, "total_memory", None),
    }


def _miopen(torch: Any) -> str | None:
    """Return MIOpen's version; a ROCm build answers with it where others have cuDNN's."""
    try:
        number = torch.backends.cudnn.version()
    except Exception:
        return None
    if not number:
        return None
    # 2017000 is 2.17.0.
    return f"{number // 1000000}.{number // 1000 % 1000}.{number % 1000}"


def _numpy() -> str | None:
    try:
        import numpy
    except Exception:
        return None
    return str(numpy.__version__)


def _libraries(torch: Any) -> list[dict[str, Any]]:
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return libraries.mapped(maps, str(Path(torch.__file__).resolve().parent))


def _messages(descriptor: int) -> Any:
    with os.fdopen(descriptor, "rb") as stream:
        for line in stream:
            yield protocol.command(line)


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:400]}" if text else type(error).__name__


def _trace() -> list[str]:
    return traceback.format_exc().splitlines()[-_TRACE_LINES:]
