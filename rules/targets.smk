"""What can be asked for by name: `snakemake kstar`, `snakemake figures`, …"""


rule checkpoints:
    input:
        lambda w: asked_for(targets.checkpoints(PLAN)),


rule features:
    input:
        lambda w: asked_for(targets.features(PLAN)),


rule kstar:
    input:
        lambda w: asked_for(targets.kstar(PLAN)),


rule prototypes:
    input:
        lambda w: asked_for(targets.prototypes(PLAN)),


rule confusion:
    input:
        lambda w: asked_for(targets.confusion(PLAN)),


rule maps:
    input:
        lambda w: asked_for(targets.maps(PLAN)),


rule tables:
    input:
        lambda w: asked_for(targets.tables(PLAN)),


rule figures:
    input:
        lambda w: asked_for(targets.figures(PLAN)),


localrules:
    checkpoints,
    features,
    kstar,
    prototypes,
    confusion,
    maps,
    tables,
    figures,
