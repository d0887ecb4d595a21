"""Features: outputs of the layers listed for a model, extracted in one pass, with one store per layer.

Reads a checkpoint and a dataset, writes
<results>/features/{model}/{dataset}/seed-{seed}/interval-{interval}/{split}/{transform}/{layer}.zarr.zip.
Features computed elsewhere become <results>/features/imported/{dataset}.zarr.zip.
"""

# One rule per model, because models have different layers and the outputs of a rule are fixed.
for model, settings in PLAN.config.models.items():

    rule:
        name:
            f"extract_features_{model}"
        input:
            checkpoint=f"<results>/checkpoints/{model}/seed-{{seed}}/interval-{{interval}}.pt",
            dataset="<results>/datasets/{dataset}/{split}.zarr.zip",
            check=lambda w, model=model: PLAN.examined_checks(model, w.dataset),
        output:
            features=expand(
                "<results>/features/{model}/{{dataset}}/seed-{{seed}}/interval-{{interval}}/{{split}}/{{transform}}/{layer}.zarr.zip",
                model=model,
                layer=settings.layers,
            ),
        log:
            f"<logs>/extract_features/{model}/{{dataset}}/seed-{{seed}}/interval-{{interval}}/{{split}}-{{transform}}.log",
        benchmark:
            f"<benchmarks>/extract_features/{model}/{{dataset}}/seed-{{seed}}/interval-{{interval}}/{{split}}-{{transform}}.tsv"
        wildcard_constraints:
            dataset=one_of(settings.datasets),
        group:
            "features"
        conda:
            "../environment.yaml"
        threads: 1
        resources:
            mem_mb=per_attempt(4000),
            runtime=per_attempt(120),
            device="auto",
            gpu=1,
        params:
            spec=lambda w, model=model: PLAN.extract_features(model, w.transform),
            code=PLAN.code("extract_features"),
        message:
            f"Extracting features of {model} on {{wildcards.dataset}}, seed {{wildcards.seed}}, {{wildcards.interval}} %, {{wildcards.split}}"
        shell:
            command_line("extract_features")


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
