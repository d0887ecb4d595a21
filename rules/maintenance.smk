"""What a run would cost: `snakemake estimate`.

Care of the action cache: `snakemake cache_info`, `LATENT_ATLAS_CACHE_BUDGET=10GB snakemake cache_prune`.
"""


rule estimate:
    log:
        "results/logs/estimate.log",
    conda:
        "../environment.yaml"
    params:
        files=CONFIG_FILES,
    message:
        "Jobs, hours and disk by stage"
    shell:
        "python -m workflow_lib.plan.estimate --config {params.files:q} | tee {log}"


rule cache_info:
    log:
        "results/logs/cache_info.log",
    conda:
        "../environment.yaml"
    message:
        "What the cache of results holds"
    shell:
        "python -m workflow_lib.runner.maintenance info | tee {log}"


rule cache_prune:
    log:
        "results/logs/cache_prune.log",
    conda:
        "../environment.yaml"
    params:
        budget=lambda w: os.environ.get("LATENT_ATLAS_CACHE_BUDGET", ""),
    message:
        "Making the cache of results fit its budget"
    shell:
        "python -m workflow_lib.runner.maintenance prune --budget={params.budget:q} 2>&1 | tee {log}"


localrules:
    estimate,
    cache_info,
    cache_prune,
