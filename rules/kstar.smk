"""k*: for each sample, the number of neighbours of its own class before the first of another class.

Reads features, writes <results>/kstar/{source}/{metric}.zarr.zip, where {source} is the path of the features. The
config says whether it is exact (the default) or approximate.
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
    wildcard_constraints:
        metric=one_of(get_args(Metric) if PLAN.kstar_verb == "compute_kstar" else ()),
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


rule approximate_kstar:
    input:
        features="<results>/features/{source}.zarr.zip",
    output:
        kstar="<results>/kstar/{source}/{metric}.zarr.zip",
    log:
        "<logs>/approximate_kstar/{source}/{metric}.log",
    benchmark:
        "<benchmarks>/approximate_kstar/{source}/{metric}.tsv"
    wildcard_constraints:
        metric=one_of(
            get_args(Metric) if PLAN.kstar_verb == "approximate_kstar" else ()
        ),
    group:
        "kstar"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(600),
    params:
        spec=lambda w: PLAN.approximate_kstar(w.metric),
        code=PLAN.code("approximate_kstar"),
    message:
        "Approximate k* of {wildcards.source}, {wildcards.metric}"
    shell:
        command_line("approximate_kstar")
