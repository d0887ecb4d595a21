"""What Snakemake looks for when it is told `--logger latent-atlas`; the display is in `workflow_lib.live`."""

from workflow_lib.live.handler import LogHandler

__all__ = ["LogHandler"]
