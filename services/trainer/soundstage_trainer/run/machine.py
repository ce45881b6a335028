"""What ran, and on what: so that a figure can be told from another one."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import lru_cache
from pathlib import Path

import torch

import soundstage_trainer

GIB = 1024**3


def machine(device: torch.device) -> str:
    """One line: processor, cores, memory, GPU where one is used, versions."""
    parts = [_processor(), f"{os.cpu_count()} cores", f"{_memory_bytes() / GIB:.0f} GiB"]
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        parts.append(f"{gpu.name} {gpu.total_memory / GIB:.0f} GiB, CUDA {torch.version.cuda}")
    parts.append(f"{platform.system()} {platform.machine()}")
    parts.append(f"Python {platform.python_version()}, PyTorch {torch.__version__}")
    return ", ".join(parts)


@lru_cache(maxsize=1)
def code_version() -> str:
    """SOUNDSTAGE_CODE_VERSION (an image's own), else the package's version and a hash of its source."""
    given = os.environ.get("SOUNDSTAGE_CODE_VERSION")
    if given:
        return given
    folder = Path(soundstage_trainer.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{soundstage_trainer.__version__}+{digest.hexdigest()[:12]}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
