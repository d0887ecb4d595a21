"""Studies: the tables and figures of all families, a rule for each, made from the tables of outputs in workflow_lib/plan.

Reads what the studies name, writes <results>/studies/{family}/{study}/; the csv of a figure holds its numbers.
"""


def reported(family, made):
    """Files of an output as the rule declares them; one is shown in the report."""
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


def patterns(study, made):
    """What an output reads in short form: a command line cannot hold the paths of a large study."""
    return {name: files.patterns for name, files in study.inputs(made).items()}


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
                inputs=lambda w, studies=studies, made=made: patterns(
                    studies[w.study], made
                ),
            message:
                f"{made.verb}, study {{wildcards.study}}: {made.content}"
            shell:
                command_line(
                    made.verb,
                    **{name: f"{{params.inputs[{name}]:q}}" for name in made.inputs},
                )
