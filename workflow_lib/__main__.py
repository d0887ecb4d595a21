"""`python -m workflow_lib VERB --flag path …`: run one step as Snakemake's rules call it."""

import sys

from workflow_lib.runner.run import main

sys.exit(main(sys.argv[1:]))
