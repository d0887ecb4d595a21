"""Set up torch for a job: threads, device, deterministic algorithms."""

import os

import torch

from workflow_lib.errors import Problem, UserError


def configure(device: str, threads: int) -> str:
    """Set up this process for a repeatable computation and return the device to use, "cpu" or "cuda".

    Args:
        device: cpu | cuda | auto (cuda where there is one).
        threads: CPU threads of torch.

    Raises:
        UserError: `device` is cuda and there is no CUDA device.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError(Problem("device", device, "torch finds no CUDA device here", "take device cpu or auto"))
    chosen = "cuda" if available and device != "cpu" else "cpu"
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with this
    if chosen == "cuda":  # some backward passes have no deterministic form there: torch only warns
        torch.use_deterministic_algorithms(True, warn_only=True)
    else:  # the same, but without importing torch's compiler, which takes as long as torch itself
        torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False  # or timing would choose algorithms, which round differently
    return chosen
