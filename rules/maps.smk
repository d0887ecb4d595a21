"""Other views of a latent space: two-dimensional maps, and the classes of nearest neighbours.

Reads features, writes <results>/maps/{source}/{method}.parquet and <results>/neighbours/{source}/{metric}.csv.
"""


rule compute_map:
    input:
        features="<results>/features/{source}.zarr.zip",
    output:
        map="<results>/maps/{source}/{method}.parquet",
    log:
        "<logs>/compute_map/{source}/{method}.log",
    benchmark:
        "<benchmarks>/compute_map/{source}/{method}.tsv"
    group:
        "maps"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
    params:
        spec=lambda w: PLAN.compute_map(w.method),
        code=PLAN.code("compute_map"),
    message:
        "Map of {wildcards.source}, {wildcards.method}"
    shell:
        command_line("compute_map")


rule count_neighbours:
    input:
        features="<results>/features/{source}.zarr.zip",
    output:
        neighbours="<results>/neighbours/{source}/{metric}.csv",
    log:
        "<logs>/count_neighbours/{source}/{metric}.log",
    benchmark:
        "<benchmarks>/count_neighbours/{source}/{metric}.tsv"
    group:
        "maps"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
    params:
        spec=lambda w: PLAN.count_neighbours(w.metric),
        code=PLAN.code("count_neighbours"),
    message:
        "Neighbours of {wildcards.source}, {wildcards.metric}"
    shell:
        command_line("count_neighbours")
