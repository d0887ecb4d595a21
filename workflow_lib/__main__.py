"""`python -m workflow_lib VERB --flag path …`: run one step as Snakemake's rules call it."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the code is loaded: an end without a traceback

from workflow_lib.runner.run import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
