import subprocess
import sys
from pathlib import Path


def test_the_script_for_a_gpu_runs_and_prints_its_tables_last():
    command = [sys.executable, "-W", "error", "-m", "bench.gpu_precision", "--tiny"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tables = [block.splitlines() for block in done.stdout.split("\n\n")[1:]]
    assert [len(table) for table in tables] == [4, 4, 4]
    assert [row.split(" | ")[6] for row in tables[0][2:]] == ["yes"] * 2
