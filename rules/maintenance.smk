"""Care of the action cache: `snakemake cache_info`, `LATENT_ATLAS_CACHE_BUDGET=10GB snakemake cache_prune`."""


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
    cache_info,
    cache_prune,
