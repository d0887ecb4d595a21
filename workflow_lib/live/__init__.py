"""What a run shows while it runs: events of Snakemake become a state (`state`), the state becomes text (`text`)."""
