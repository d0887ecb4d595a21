"""What can be asked for by name: `snakemake kstar`, `snakemake figures`, …"""


rule checkpoints:
    input:
        targets.checkpoints(PLAN),


rule features:
    input:
        targets.features(PLAN),


rule kstar:
    input:
        targets.kstar(PLAN),


rule maps:
    input:
        targets.maps(PLAN),


rule tables:
    input:
        targets.tables(PLAN),


rule figures:
    input:
        targets.figures(PLAN),


localrules:
    checkpoints,
    features,
    kstar,
    maps,
    tables,
    figures,
