"""Latent Atlas: analyse the latent space of neural classifiers.

Edit config.yaml, then run `snakemake`. Each stage has its own target, see rules/targets.smk.
"""

from snakemake.utils import min_version

min_version("9.20")


include: "rules/common.smk"


if not workflow.overwrite_configfiles:

    configfile: "config.yaml"  # after common.smk, which reports mistakes in it


report: "docs/captions/workflow.rst"


rule all:
    input:
        lambda w: asked_for("all"),


onstart:
    # Without this check, Snakemake would stop with a traceback in the middle of the run.
    require_writable(Path(PLAN.results))
    snakemake_process.begin_run(bundles.written(SHAPES))


localrules:
    all,


include: "rules/targets.smk"
include: "rules/datasets.smk"
include: "rules/training.smk"
include: "rules/features.smk"
include: "rules/bundles.smk"


for each in workflow.rules:
    each.set_input(no_more_files)
    # What users set for one kind of bundle holds for all of its rules.
    given = workflow.resource_settings
    each.resources.update(given._parsed_overwrite_resources.get(kind_of(each.name), {}))
    if threads := given._parsed_overwrite_threads.get(kind_of(each.name)):
        each.resources["_cores"] = threads
