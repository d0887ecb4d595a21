"""Studies: tables and figures of the points that a study names.

Reads k*, maps and neighbours; writes results/studies/{study}/{table}.csv, tables.html and {figure}.{svg,png,csv}; the csv
holds the numbers behind a figure.
"""


rule tabulate_kstar:
    input:
        kstar=lambda w: PLAN.studies[w.study].kstar.paths,
    output:
        classes="results/studies/{study}/classes.csv",
        aggregates="results/studies/{study}/aggregates.csv",
    log:
        "results/logs/tabulate_kstar/{study}.log",
    benchmark:
        "results/benchmarks/tabulate_kstar/{study}.tsv"
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.tabulate_kstar(w.study),
        code=PLAN.code("tabulate_kstar"),
        kstar=lambda w: PLAN.studies[w.study].kstar.patterns,
    message:
        "Tables of study {wildcards.study}"
    shell:
        "python -m workflow_lib tabulate-kstar --kstar {params.kstar:q}"
        " --classes {output.classes} --aggregates {output.aggregates}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule render_tables:
    input:
        classes="results/studies/{study}/classes.csv",
        aggregates="results/studies/{study}/aggregates.csv",
    output:
        page=report(
            "results/studies/{study}/tables.html",
            caption="../docs/captions/tables.rst",
            category="{study}",
            labels={"kind": "table", "content": "classes and patterns"},
        ),
    log:
        "results/logs/render_tables/{study}.log",
    benchmark:
        "results/benchmarks/render_tables/{study}.tsv"
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.render_tables(w.study),
        code=PLAN.code("render_tables"),
    message:
        "Page of tables of study {wildcards.study}"
    shell:
        "python -m workflow_lib render-tables --classes {input.classes} --aggregates {input.aggregates}"
        " --page {output.page}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_violins:
    input:
        kstar=lambda w: PLAN.studies[w.study].example_kstar.paths,
        classes="results/studies/{study}/classes.csv",
    output:
        svg="results/studies/{study}/violins.svg",
        png=report(
            "results/studies/{study}/violins.png",
            caption="../docs/captions/violins.rst",
            category="{study}",
            labels={"kind": "figure", "content": "k* distributions"},
        ),
        csv="results/studies/{study}/violins.csv",
    log:
        "results/logs/draw_violins/{study}.log",
    benchmark:
        "results/benchmarks/draw_violins/{study}.tsv"
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_violins(w.study),
        code=PLAN.code("draw_violins"),
        kstar=lambda w: PLAN.studies[w.study].example_kstar.patterns,
    message:
        "Figure violins of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-violins --kstar {params.kstar:q} --classes {input.classes}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_trends:
    input:
        classes="results/studies/{study}/classes.csv",
    output:
        svg="results/studies/{study}/trends.svg",
        png=report(
            "results/studies/{study}/trends.png",
            caption="../docs/captions/trends.rst",
            category="{study}",
            labels={"kind": "figure", "content": "k* over what the study varies"},
        ),
        csv="results/studies/{study}/trends.csv",
    log:
        "results/logs/draw_trends/{study}.log",
    benchmark:
        "results/benchmarks/draw_trends/{study}.tsv"
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_trends(w.study),
        code=PLAN.code("draw_trends"),
    message:
        "Figure trends of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-trends --classes {input.classes}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_maps:
    input:
        maps=lambda w: PLAN.studies[w.study].maps.paths,
        kstar=lambda w: PLAN.studies[w.study].mapped_kstar.paths,
        classes="results/studies/{study}/classes.csv",
    output:
        svg="results/studies/{study}/maps.svg",
        png=report(
            "results/studies/{study}/maps.png",
            caption="../docs/captions/maps.rst",
            category="{study}",
            labels={"kind": "figure", "content": "maps beside k*"},
        ),
        csv="results/studies/{study}/maps.csv",
    log:
        "results/logs/draw_maps/{study}.log",
    benchmark:
        "results/benchmarks/draw_maps/{study}.tsv"
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_maps(w.study),
        code=PLAN.code("draw_maps"),
        maps=lambda w: PLAN.studies[w.study].maps.patterns,
        kstar=lambda w: PLAN.studies[w.study].mapped_kstar.patterns,
    message:
        "Figure maps of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-maps --maps {params.maps:q} --kstar {params.kstar:q} --classes {input.classes}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_neighbours:
    input:
        neighbours=lambda w: PLAN.studies[w.study].neighbours.paths,
    output:
        svg="results/studies/{study}/neighbours.svg",
        png=report(
            "results/studies/{study}/neighbours.png",
            caption="../docs/captions/neighbours.rst",
            category="{study}",
            labels={"kind": "figure", "content": "classes of nearest neighbours"},
        ),
        csv="results/studies/{study}/neighbours.csv",
    log:
        "results/logs/draw_neighbours/{study}.log",
    benchmark:
        "results/benchmarks/draw_neighbours/{study}.tsv"
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_neighbours(w.study),
        code=PLAN.code("draw_neighbours"),
        neighbours=lambda w: PLAN.studies[w.study].neighbours.patterns,
    message:
        "Figure neighbours of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-neighbours --neighbours {params.neighbours:q}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"
