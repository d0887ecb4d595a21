"""Latent Atlas: look into the latent space of neural classifiers.

Edit config.yaml, then run `snakemake`. Each stage has a target of its own, see rules/targets.smk.
"""

from snakemake.utils import min_version

min_version("9.20")


if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


report: "docs/captions/workflow.rst"


include: "rules/common.smk"


rule all:
    input:
        targets.tables(PLAN),
        targets.figures(PLAN),


localrules:
    all,


include: "rules/targets.smk"
include: "rules/datasets.smk"
include: "rules/training.smk"
include: "rules/features.smk"
include: "rules/kstar.smk"
include: "rules/maps.smk"
include: "rules/studies.smk"
include: "rules/maintenance.smk"
