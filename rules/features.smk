"""Features computed elsewhere become <results>/features/imported/{dataset}.zarr.zip."""


rule import_features:
    output:
        features="<results>/features/imported/{dataset}.zarr.zip",
    log:
        "<logs>/import_features/{dataset}.log",
    benchmark:
        "<benchmarks>/import_features/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.imported),
    group:
        "features"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
        device="auto",  # not used, but must be equal for all jobs of a group
    params:
        spec=lambda w: PLAN.import_features(w.dataset),
        code=PLAN.code("import_features"),
    message:
        "Reading the imported features {wildcards.dataset}"
    shell:
        command_line("import_features")
