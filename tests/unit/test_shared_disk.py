"""Two nodes on one disk: processes that neither see each other nor share a name of a machine, with one cache."""

import subprocess
import sys
from pathlib import Path

import pytest

import workflow_lib

NODE = """
import os, platform, sys
from pathlib import Path
from workflow_lib.runner import snakemake_process
from workflow_lib.cache.store import ActionCache, action_key
from workflow_lib.cache.pruning import prune

name, folder = sys.argv[1], Path("cache")
assert platform.node() == name and os.getpid() < 10, (platform.node(), os.getpid())
os.environ[snakemake_process.RUN] = snakemake_process.run_file(Path("results"))
snakemake_process.begin_run()
cache = ActionCache(folder)
hits = 0
for i in range(400):
    content = f"the result of job {i % 40} ".encode() * 1000
    key, place = action_key(job=i % 40), Path(name) / f"{i}"
    action = cache.find(key, ["output"])
    if action and cache.restore(key, action, {"output": place}):
        hits += 1
    else:
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        cache.store(key, {"output": place}, {"verb": "test"})
    assert place.read_bytes() == content
    if i % 50 == 49:
        prune(folder, 0, in_use=0)
print(hits)
"""


def on_node(name, folder):
    """Start the work of a node in spaces of its own for processes and names."""
    root = str(Path(workflow_lib.__file__).parents[1])
    inside = f"hostname {name} && PYTHONPATH={root} exec {sys.executable} node.py {name}"
    return subprocess.Popen(
        ["unshare", "--uts", "--pid", "--fork", "--mount-proc", "sh", "-c", inside],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def can_have_nodes():
    asked = ["unshare", "--uts", "--pid", "--fork", "--mount-proc", "hostname", "node-a"]
    try:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not can_have_nodes(), reason="needs the right to make name spaces")
def test_two_nodes_write_read_and_prune_one_cache(tmp_path):
    (tmp_path / "node.py").write_text(NODE)
    nodes = [on_node(name, tmp_path) for name in ("node-a", "node-b")]
    for node in nodes:
        out, err = node.communicate(timeout=120)
        assert node.returncode == 0, err
        assert int(out) > 10
        assert "Traceback" not in err
    assert not list((tmp_path / "results" / ".runs").iterdir())
    assert not [path for path in (tmp_path / "cache").rglob(".*") if path.is_dir()]
