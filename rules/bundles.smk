"""Trainings, features, k*, maps, prototypes, confusion studies, tables and figures, in bundles (workflow_lib/plan/bundles.py).

A bundle is one job of Snakemake that runs several steps in one process. There is one rule for each set of outputs that
a bundle can have, because the outputs of a rule are fixed.
"""

from typing import NamedTuple


class Kind(NamedTuple):
    """Bundles of one kind: cluster group, time limit in minutes, use of a GPU, priority, and what they are."""

    group: str
    minutes: int
    gpu: bool
    priority: int
    content: str


# k* comes first: its figures show the latent space of a network before the longer studies have ended.
KINDS = {
    "train_interval": Kind("training", 240, True, 2, "trainings of {point}"),
    "extract_features": Kind("features", 120, True, 2, "extractions of {point}"),
    "compute_kstar": Kind("kstar", 120, False, 2, "stores and tables of {point}"),
    "approximate_kstar": Kind("kstar", 600, False, 2, "stores and tables of {point}"),
    "compute_map": Kind("maps", 60, False, 1, "maps of {point}"),
    "make_prototypes": Kind("prototypes", 240, True, 1, "stores of {point}"),
    "train_replicates": Kind(
        "confusion", 1440, True, 0, "sets of trainings of {point}"
    ),
}
for family in FAMILIES:
    for output in family.all_outputs:
        kind = output.rule(family.family)
        longest = max(output.minutes, KINDS[kind].minutes if kind in KINDS else 0)
        content = f"files of study {{point}} ({family.family})"
        KINDS[kind] = Kind("studies", longest, False, 2, content)


def reported(path):
    """An output for its rule; the report shows at most one file of each table or figure."""
    folder, _, file = path.rpartition("/")
    made = None
    for family in FAMILIES:
        if folder == f"studies/{family.family}/{{point}}":
            made = next(
                made for made in family.all_outputs if file in made.files.values()
            )
    if made is None or not made.reported or file != made.files[made.reported]:
        return f"<results>/{path}"
    return report(
        f"<results>/{path}",
        caption=f"../docs/captions/{made.name}.rst",
        category="{point}",
        labels={
            "kind": "figure" if made.is_figure else "table",
            "content": made.content,
        },
    )


OF_KSTAR = {model for study in PLAN.kstar.values() for model in study.study.models}


def priority(kind, points):
    """That of the kind; networks that no k* study looks at wait for those that one does."""
    of_network = kind in ("train_interval", "extract_features")
    if of_network and not any(point.split("/")[0] in OF_KSTAR for point in points):
        return 1
    return KINDS[kind].priority


for kind, settings in KINDS.items():
    for name, shape, points in shapes_of(kind):
        # Trainings of a confusion study have no wildcard.
        where = "{wildcards.point}"
        if "{point}" not in shape.logs[0]:
            where = shape.logs[0].split("/")[1]

        rule:
            name:
                name
            input:
                lambda w, shape=shape: bundle(shape, w.get("point", "")).needs,
            output:
                [reported(path) for path in shape.outputs],
            log:
                [f"<logs>/{path}" for path in shape.logs],
            benchmark:
                f"<benchmarks>/{shape.logs[0].removesuffix('.log')}.tsv"
            wildcard_constraints:
                point=one_of(points) if points else ".+",
            priority: priority(kind, points)
            group:
                settings.group
            conda:
                "../environment.yaml"
            threads: 1
            resources:
                **({"gpu": 1} if settings.gpu else {}),
                mem_mb=per_attempt(4000),
                runtime=per_attempt(settings.minutes),
                device="auto" if settings.gpu else "cpu",
            params:
                # A function of the output is not compared by Snakemake: the records are.
                calls=lambda w, output, shape=shape: bundle(
                    shape, w.get("point", "")
                ).words(),
            message:
                f"{len(shape.logs)} {settings.content.format(point=where)}"
            shell:
                f"python -m workflow_lib --results {PLAN.results} --threads {{threads}}"
                " --device {resources.device} {params.calls:q}"
