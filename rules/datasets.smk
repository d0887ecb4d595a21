"""Datasets: images from any source are stored as one file per split.

Reads the sources in the config, writes <results>/datasets/{dataset}/{train,test}.zarr.zip.
"""


rule prepare_dataset:
    output:
        train="<results>/datasets/{dataset}/train.zarr.zip",
        test="<results>/datasets/{dataset}/test.zarr.zip",
    log:
        "<logs>/prepare_dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/prepare_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(sorted(set(PLAN.config.datasets) - set(PLAN.imported))),
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(120),
    params:
        spec=lambda w: PLAN.prepare_dataset(w.dataset),
        code=PLAN.code("prepare_dataset"),
    message:
        "Preparing dataset {wildcards.dataset}"
    shell:
        command_line("prepare_dataset")
