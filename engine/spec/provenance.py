"""What a result was made with."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "tokenizers", "numpy", "pydantic")


def versions() -> dict[str, str]:
    """Versions of Python and of every package that a result depends on; a missing one is left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware(device: str = "cpu") -> dict[str, str]:
    """What it ran on: processor, cores that may be used, memory, system, and the accelerator if one is used."""
    found = {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
    }
    if device != "cpu":
        import torch

        found["accelerator"] = torch.cuda.get_device_name() if device.startswith("cuda") else device
    return found


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine() or "unknown"


@cache
def accelerators() -> str:
    """NVIDIA's GPUs that programs see here, as their driver lists them, without torch; "" where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would open a console
    try:
        done = subprocess.run(
            [program, "-L"], capture_output=True, text=True, errors="replace", timeout=20, check=False,
            creationflags=hidden,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):  # no driver that answers: torch will find no GPU either
        return ""
    return f"{done.stdout.strip()} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}".strip()


def hash_file(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_text(text: str) -> str:
    """sha256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def quiet() -> None:
    """Keep libraries from calling home, from painting progress bars and from telling users what will be renamed.

    To be called before they are imported.
    """
    warnings.filterwarnings("ignore", category=FutureWarning)
    for name, value in {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "DISABLE_MLFLOW_INTEGRATION": "TRUE",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
    }.items():
        os.environ.setdefault(name, value)
