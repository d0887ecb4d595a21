"""Named targets: `snakemake kstar`, `snakemake figures`, …"""

for target in targets.TARGETS:

    rule:
        name:
            target
        input:
            lambda w, target=target: asked_for(target),
        localrule: True
