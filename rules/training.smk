"""Training: checkpoints of a network at intervals of its training; each continues from the previous one.

Reads a dataset, writes <results>/checkpoints/{model}/seed-{seed}/interval-{interval}.pt and its learning curve.
Before a network is trained or its weights are read, its settings are checked: <results>/networks/{model}.csv.
"""


# Only a change of what is trained or read starts a check again. It starts the jobs that wait for the check in any case,
# while a new check would start them without need after a change of layers or of the code of the check. So `spec` and
# `code` depend on the output, and Snakemake compares only `settings`. (With `ancient`, Snakemake 9 forgets jobs that
# have a reason of their own.) New layers are compared with the table of the check while planning (`plan/layers.py`).
rule check_network:
    input:
        dataset=lambda w: f"<results>/datasets/{PLAN.config.models[w.model].dataset}/{PLAN.checked_split(w.model)}.zarr.zip",
        origin=lambda w: PLAN.origin(w.model),
    output:
        network="<results>/networks/{model}.csv",
    log:
        "<logs>/check_network/{model}.log",
    benchmark:
        "<benchmarks>/check_network/{model}.tsv"
    priority: 3  # mistakes in any network are found before the first training
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
        device="auto",
        gpu=1,
    params:
        settings=lambda w: PLAN.checked(w.model),
        spec=lambda w, output: PLAN.check_network(w.model),
        code=lambda w, output: PLAN.code("check_network"),
    message:
        "Checking the network of {wildcards.model}"
    shell:
        command_line("check_network")


rule check_examined:
    input:
        own=lambda w: f"<results>/datasets/{PLAN.config.models[w.model].dataset}/test.zarr.zip",
        examined="<results>/datasets/{dataset}/test.zarr.zip",
    output:
        classes="<results>/networks/{model}/{dataset}.csv",
    log:
        "<logs>/check_examined/{model}/{dataset}.log",
    benchmark:
        "<benchmarks>/check_examined/{model}/{dataset}.tsv"
    priority: 3
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
    params:
        spec=lambda w: PLAN.check_examined(w.model, w.dataset),
        code=PLAN.code("check_examined"),
    message:
        "Checking {wildcards.dataset} for {wildcards.model}"
    shell:
        command_line("check_examined")


rule import_weights:
    input:
        check="<results>/networks/{model}.csv",
        dataset=lambda w: f"<results>/datasets/{PLAN.config.models[w.model].dataset}/test.zarr.zip",
        weights=lambda w: PLAN.weights(w.model),
    output:
        checkpoint="<results>/checkpoints/{model}/seed-0/interval-100.pt",
    log:
        "<logs>/import_weights/{model}.log",
    benchmark:
        "<benchmarks>/import_weights/{model}.tsv"
    wildcard_constraints:
        model="|".join(PLAN.loaded) or "$^",
    group:
        "training"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
        device="auto",  # not used, but must be equal for all jobs of a group
    params:
        spec=lambda w: PLAN.import_weights(w.model),
        code=PLAN.code("import_weights"),
    message:
        "Reading the weights of {wildcards.model}"
    shell:
        command_line("import_weights")
