"""Setting up torch: repeatable, and on a CPU without its compiler, which takes as long to import as torch itself."""

import subprocess
import sys

IN_A_NEW_PROCESS = """
import sys, torch
from workflow_lib.training.devices import configure

assert configure("cpu", 1) == "cpu"
assert torch.get_num_threads() == 1
assert torch.are_deterministic_algorithms_enabled() and not torch.is_deterministic_algorithms_warn_only_enabled()
assert not {"torch._dynamo", "torch._inductor"} & set(sys.modules)
values = torch.zeros(3)
try:
    values.put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]), accumulate=False)
except RuntimeError as error:
    assert "deterministic" in str(error)
else:
    raise AssertionError("an operation that is not deterministic was allowed")
"""


def test_a_cpu_is_deterministic_and_needs_no_compiler():
    done = subprocess.run([sys.executable, "-c", IN_A_NEW_PROCESS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
