"""Studies: one rule per table and figure of each family, generated from the tables of outputs in workflow_lib/plan.

Writes <results>/studies/{family}/{study}/; the CSV file of a figure holds its numbers.
"""


def reported(family, made):
    """Output files for the rule; at most one of them is shown in the report."""
    folder = f"<results>/studies/{family}/{{study}}"
    files = {argument: f"{folder}/{file}" for argument, file in made.files.items()}
    if made.reported:
        files[made.reported] = report(
            files[made.reported],
            caption=f"../docs/captions/{made.name}.rst",
            category="{study}",
            labels={
                "kind": "figure" if made.is_figure else "table",
                "content": made.content,
            },
        )
    return files


for family in FAMILIES:
    studies = PLAN.studies[family.family]
    for made in family.all_outputs:

        rule:
            name:
                made.verb
            input:
                unpack(
                    lambda w, studies=studies, made=made: {
                        name: files.paths
                        for name, files in studies[w.study].inputs(made).items()
                    }
                ),
            output:
                **reported(family.family, made),
            log:
                f"<logs>/{made.verb}/{{study}}.log",
            benchmark:
                f"<benchmarks>/{made.verb}/{{study}}.tsv"
            wildcard_constraints:
                study=one_of(studies),
            group:
                "studies"
            conda:
                "../environment.yaml"
            threads: 1
            resources:
                mem_mb=per_attempt(4000),
                runtime=per_attempt(made.minutes),
            params:
                spec=lambda w, studies=studies, made=made: studies[w.study].spec(made),
                code=PLAN.code(made.verb),
                arguments=lambda w, studies=studies, made=made: studies[
                    w.study
                ].arguments(made),
            message:
                f"{made.verb}, study {{wildcards.study}}: {made.content}"
            shell:
                # The command must not use loop variables: Snakemake evaluates it after the loop, when a job starts.
                "python -m workflow_lib {params.arguments:q} --spec {params.spec:q} --code {params.code}"
                f" --results {PLAN.results} --threads {{threads}} --log {{log}}"
