"""Prototypes: images that a network classifies with confidence, their dissimilarity, and images on class boundaries.

Reads a checkpoint, writes <results>/{prototypes,dissimilarity,boundaries}/{study}/{model}/seed-{seed}/
interval-{interval}/initialisation-{initialisation}.zarr.zip.
"""


rule make_prototypes:
    input:
        checkpoint="<results>/checkpoints/{model}/seed-{seed}/interval-{interval}.pt",
        dataset=lambda w: f"<results>/datasets/{PLAN.config.models[w.model].dataset}/train.zarr.zip",
        previous=lambda w: [
            f"<results>/prototypes/{w.study}/{w.model}/seed-{w.seed}/interval-{earlier}/initialisation-{w.initialisation}.zarr.zip"
            for earlier in PLAN.prototypes[w.study].previous(w.model, int(w.interval))
        ],
    output:
        prototypes="<results>/prototypes/{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}.zarr.zip",
    log:
        "<logs>/make_prototypes/{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}.log",
    benchmark:
        "<benchmarks>/make_prototypes/{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "prototypes"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(240),
        device="auto",
        gpu=1,
    params:
        spec=lambda w: PLAN.make_prototypes(w.study, w.model, int(w.initialisation)),
        code=PLAN.code("make_prototypes"),
    message:
        "Prototypes of {wildcards.model}, seed {wildcards.seed}, {wildcards.interval} %, start {wildcards.initialisation}"
    shell:
        command_line("make_prototypes")


rule compute_dissimilarity:
    input:
        prototypes="<results>/prototypes/{source}.zarr.zip",
    output:
        dissimilarity="<results>/dissimilarity/{source}.zarr.zip",
    log:
        "<logs>/compute_dissimilarity/{source}.log",
    benchmark:
        "<benchmarks>/compute_dissimilarity/{source}.tsv"
    group:
        "prototypes"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
        device="auto",  # not used, but must be equal for all jobs of a group
    params:
        spec=PLAN.compute_dissimilarity(),
        code=PLAN.code("compute_dissimilarity"),
    message:
        "C and R of {wildcards.source}"
    shell:
        command_line("compute_dissimilarity")


rule find_boundaries:
    input:
        checkpoint="<results>/checkpoints/{model}/seed-{seed}/interval-{interval}.pt",
        prototypes="<results>/prototypes/{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}.zarr.zip",
    output:
        boundaries="<results>/boundaries/{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}.zarr.zip",
    log:
        "<logs>/find_boundaries/{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}.log",
    benchmark:
        "<benchmarks>/find_boundaries/{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "prototypes"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(120),
        device="auto",
        gpu=1,
    params:
        spec=lambda w: PLAN.find_boundaries(w.study, w.model),
        code=PLAN.code("find_boundaries"),
    message:
        "Boundary images of {wildcards.model}, seed {wildcards.seed}, {wildcards.interval} %, start {wildcards.initialisation}"
    shell:
        command_line("find_boundaries")
