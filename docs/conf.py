"""The documentation site (`make site`): Sphinx reads the pages of this folder, which read as well without it."""

import re
from importlib.metadata import version as version_of

from pygments.lexers.python import PythonLexer
from sphinx.application import Sphinx

project = "Latent Atlas"
version = release = version_of("latent-atlas")
project_copyright = "the authors of Latent Atlas"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["captions"]
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4  # as GitHub makes them
nb_execution_mode = "off"  # outputs are in the notebooks; a test runs their code
default_role = "code"
smartquotes = False  # a quoted value is code
autodoc_typehints = "none"  # the docstrings say types and shapes
napoleon_use_rtype = False

html_theme = "furo"
html_title = "Latent Atlas"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # would fetch pages, which browsers refuse for files on disk


def setup(app: Sphinx) -> None:
    """Teach Sphinx what the pages need beside its own Markdown."""
    app.add_lexer("snakemake", PythonLexer)
    app.connect("source-read", _for_the_site)


def _for_the_site(app: Sphinx, page: str, text: list[str]) -> None:
    """What is written for readers of the files: anchors become targets that Sphinx checks, names of files titles."""
    text[0] = re.sub(r'<a id="([\w-]+)"></a>', r"[]{#\1}", text[0])
    text[0] = re.sub(r"\[[\w/-]+\.md(?:, [\d.]+)?\]\(", "[](", text[0])
