"""The explorer: a part of the report in which single samples and prototypes can be looked at (docs/explorer.md)."""

from workflow_lib.report.explorer.fragment import fragment as fragment
