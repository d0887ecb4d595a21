"""Run the notebooks of this folder again, in place (`make notebooks`)."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

for file in sorted(Path(__file__).parent.glob("*.ipynb")):
    notebook = nbformat.read(file, as_version=4)
    NotebookClient(notebook, record_timing=False).execute()
    nbformat.write(notebook, file)
