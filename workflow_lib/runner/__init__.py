"""Run one step as a job: exact caching, outputs that appear complete or not at all, a record of their origin."""
