"""The typed model of config.yaml; JSON schema and docs/config.md are generated from it.

`load` validates a plain mapping, `read` a YAML file; both give a `Config` or one `UserError` with every problem.
"""

from workflow_lib.config.config import Config
from workflow_lib.config.load import load, read
from workflow_lib.config.studies import ModelPart, ResolvedKstar

__all__ = ["Config", "ModelPart", "ResolvedKstar", "load", "read"]
