"""Datasets: images, rows of numbers and texts from any source are stored as one file per split.

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
        dataset=one_of(
            sorted(
                {*PLAN.config.datasets}
                - {*PLAN.imported, *PLAN.unions, *PLAN.transformed, *PLAN.encoded}
            )
        ),
    priority: 3  # mistakes in any dataset are found before the first training
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


rule unite_datasets:
    input:
        train_parts=lambda w: PLAN.parts(w.dataset, "train"),
        test_parts=lambda w: PLAN.parts(w.dataset, "test"),
    output:
        train="<results>/datasets/{dataset}/train.zarr.zip",
        test="<results>/datasets/{dataset}/test.zarr.zip",
    log:
        "<logs>/unite_datasets/{dataset}.log",
    benchmark:
        "<benchmarks>/unite_datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.unions),
    priority: 3
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(120),
    params:
        spec=lambda w: PLAN.unite_datasets(w.dataset),
        code=PLAN.code("unite_datasets"),
    message:
        "Uniting datasets to {wildcards.dataset}"
    shell:
        command_line("unite_datasets")


rule transform_dataset:
    input:
        train_parts=lambda w: PLAN.parts(w.dataset, "train"),
        test_parts=lambda w: PLAN.parts(w.dataset, "test"),
    output:
        train="<results>/datasets/{dataset}/train.zarr.zip",
        test="<results>/datasets/{dataset}/test.zarr.zip",
    log:
        "<logs>/transform_dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/transform_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.transformed),
    priority: 3
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(120),
        device="auto",
        gpu=1,
    params:
        spec=lambda w: PLAN.transform_dataset(w.dataset),
        code=PLAN.code("transform_dataset"),
    message:
        "Transforming the images of dataset {wildcards.dataset}"
    shell:
        command_line("transform_dataset")


rule encode_texts:
    input:
        train_parts=lambda w: PLAN.parts(w.dataset, "train"),
        test_parts=lambda w: PLAN.parts(w.dataset, "test"),
    output:
        train="<results>/datasets/{dataset}/train.zarr.zip",
        test="<results>/datasets/{dataset}/test.zarr.zip",
    log:
        "<logs>/encode_texts/{dataset}.log",
    benchmark:
        "<benchmarks>/encode_texts/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.encoded),
    priority: 3
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(120),
        device="auto",
        gpu=1,
    params:
        spec=lambda w: PLAN.encode_texts(w.dataset),
        code=PLAN.code("encode_texts"),
    message:
        "Encoding the texts of dataset {wildcards.dataset}"
    shell:
        command_line("encode_texts")
