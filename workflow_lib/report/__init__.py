"""The page of a run: what was run, what was found, figures, tables and where they come from (docs/report.md)."""
