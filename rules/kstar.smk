"""k*: for each sample, the number of neighbours of its own class before the first of another class.

Reads features, writes <results>/kstar/{source}/{metric}.zarr.zip, where {source} is the path of the features.
"""


rule compute_kstar:
    input:
        features="<results>/features/{source}.zarr.zip",
    output:
        kstar="<results>/kstar/{source}/{metric}.zarr.zip",
    log:
        "<logs>/compute_kstar/{source}/{metric}.log",
    benchmark:
        "<benchmarks>/compute_kstar/{source}/{metric}.tsv"
    group:
        "kstar"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(120),
        device="cpu",
    params:
        spec=lambda w: PLAN.compute_kstar(w.metric),
        code=PLAN.code("compute_kstar"),
    message:
        "k* of {wildcards.source}, {wildcards.metric}"
    shell:
        command_line("compute_kstar")
