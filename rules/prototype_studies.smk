"""Studies of prototypes: tables and figures of their sets.

Reads prototypes, C and R, boundary images and predictions; writes results/prototype_studies/{study}/{table}.csv and
{figure}.{svg,png,csv}; the csv holds the numbers behind a figure.
"""


rule tabulate_prototypes:
    input:
        prototypes=lambda w: PLAN.prototypes[w.study].stores("prototypes").paths,
        dissimilarity=lambda w: PLAN.prototypes[w.study].stores("dissimilarity").paths,
        features=lambda w: PLAN.prototypes[w.study].features.paths,
    output:
        sets="results/prototype_studies/{study}/sets.csv",
        intervals="results/prototype_studies/{study}/intervals.csv",
        tests="results/prototype_studies/{study}/tests.csv",
        pairs="results/prototype_studies/{study}/pairs.csv",
        histograms="results/prototype_studies/{study}/histograms.csv",
        quality="results/prototype_studies/{study}/quality.csv",
    log:
        "results/logs/tabulate_prototypes/{study}.log",
    benchmark:
        "results/benchmarks/tabulate_prototypes/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.tabulate_prototypes(w.study),
        code=PLAN.code("tabulate_prototypes"),
        prototypes=lambda w: PLAN.prototypes[w.study].stores("prototypes").patterns,
        dissimilarity=lambda w: PLAN.prototypes[w.study]
        .stores("dissimilarity")
        .patterns,
        features=lambda w: PLAN.prototypes[w.study].features.patterns,
    message:
        "Tables of prototypes {wildcards.study}"
    shell:
        "python -m workflow_lib tabulate-prototypes --prototypes {params.prototypes:q} --dissimilarity {params.dissimilarity:q}"
        " --features {params.features:q} --sets {output.sets} --intervals {output.intervals} --tests {output.tests}"
        " --pairs {output.pairs} --histograms {output.histograms} --quality {output.quality}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule tabulate_boundaries:
    input:
        boundaries=lambda w: PLAN.prototypes[w.study].stores("boundaries").paths,
        prototypes=lambda w: PLAN.prototypes[w.study].stores("prototypes").paths,
    output:
        table="results/prototype_studies/{study}/boundary_images.csv",
        intervals="results/prototype_studies/{study}/boundary_intervals.csv",
    log:
        "results/logs/tabulate_boundaries/{study}.log",
    benchmark:
        "results/benchmarks/tabulate_boundaries/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.tabulate_boundaries(w.study),
        code=PLAN.code("tabulate_boundaries"),
        boundaries=lambda w: PLAN.prototypes[w.study].stores("boundaries").patterns,
        prototypes=lambda w: PLAN.prototypes[w.study].stores("prototypes").patterns,
    message:
        "Tables of boundary images {wildcards.study}"
    shell:
        "python -m workflow_lib tabulate-boundaries --boundaries {params.boundaries:q} --prototypes {params.prototypes:q}"
        " --table {output.table} --intervals {output.intervals}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_prototypes:
    input:
        prototypes=lambda w: PLAN.prototypes[w.study].example_store("prototypes"),
    output:
        svg="results/prototype_studies/{study}/prototypes.svg",
        png=report(
            "results/prototype_studies/{study}/prototypes.png",
            caption="../docs/captions/prototypes.rst",
            category="{study}",
            labels={
                "kind": "figure",
                "content": "prototypes of every class from every class",
            },
        ),
        csv="results/prototype_studies/{study}/prototypes.csv",
    log:
        "results/logs/draw_prototypes/{study}.log",
    benchmark:
        "results/benchmarks/draw_prototypes/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_prototypes(w.study),
        code=PLAN.code("draw_prototypes"),
    message:
        "Figure prototypes of prototypes {wildcards.study}"
    shell:
        "python -m workflow_lib draw-prototypes --prototypes {input.prototypes}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_trajectories:
    input:
        prototypes=lambda w: PLAN.prototypes[w.study].example_store("prototypes"),
    output:
        svg="results/prototype_studies/{study}/way.svg",
        png=report(
            "results/prototype_studies/{study}/way.png",
            caption="../docs/captions/way.rst",
            category="{study}",
            labels={"kind": "figure", "content": "from noise to prototypes"},
        ),
        csv="results/prototype_studies/{study}/way.csv",
    log:
        "results/logs/draw_trajectories/{study}.log",
    benchmark:
        "results/benchmarks/draw_trajectories/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_trajectories(w.study),
        code=PLAN.code("draw_trajectories"),
    message:
        "Figure way of prototypes {wildcards.study}"
    shell:
        "python -m workflow_lib draw-trajectories --prototypes {input.prototypes}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_dissimilarity:
    input:
        intervals="results/prototype_studies/{study}/intervals.csv",
    output:
        svg="results/prototype_studies/{study}/dissimilarity.svg",
        png=report(
            "results/prototype_studies/{study}/dissimilarity.png",
            caption="../docs/captions/dissimilarity.rst",
            category="{study}",
            labels={"kind": "figure", "content": "C and R over training"},
        ),
        csv="results/prototype_studies/{study}/dissimilarity.csv",
    log:
        "results/logs/draw_dissimilarity/{study}.log",
    benchmark:
        "results/benchmarks/draw_dissimilarity/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_dissimilarity(w.study),
        code=PLAN.code("draw_dissimilarity"),
    message:
        "Figure dissimilarity of prototypes {wildcards.study}"
    shell:
        "python -m workflow_lib draw-dissimilarity --intervals {input.intervals}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_class_pairs:
    input:
        pairs="results/prototype_studies/{study}/pairs.csv",
    output:
        svg="results/prototype_studies/{study}/class_pairs.svg",
        png=report(
            "results/prototype_studies/{study}/class_pairs.png",
            caption="../docs/captions/class_pairs.rst",
            category="{study}",
            labels={"kind": "figure", "content": "C and R by pair of classes"},
        ),
        csv="results/prototype_studies/{study}/class_pairs.csv",
    log:
        "results/logs/draw_class_pairs/{study}.log",
    benchmark:
        "results/benchmarks/draw_class_pairs/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_class_pairs(w.study),
        code=PLAN.code("draw_class_pairs"),
    message:
        "Figure class_pairs of prototypes {wildcards.study}"
    shell:
        "python -m workflow_lib draw-class-pairs --pairs {input.pairs}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_distributions:
    input:
        histograms="results/prototype_studies/{study}/histograms.csv",
    output:
        svg="results/prototype_studies/{study}/distributions.svg",
        png=report(
            "results/prototype_studies/{study}/distributions.png",
            caption="../docs/captions/distributions.rst",
            category="{study}",
            labels={"kind": "figure", "content": "distributions of C and R"},
        ),
        csv="results/prototype_studies/{study}/distributions.csv",
    log:
        "results/logs/draw_distributions/{study}.log",
    benchmark:
        "results/benchmarks/draw_distributions/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_distributions(w.study),
        code=PLAN.code("draw_distributions"),
    message:
        "Figure distributions of prototypes {wildcards.study}"
    shell:
        "python -m workflow_lib draw-distributions --histograms {input.histograms}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_quality:
    input:
        quality="results/prototype_studies/{study}/quality.csv",
    output:
        svg="results/prototype_studies/{study}/quality.svg",
        png=report(
            "results/prototype_studies/{study}/quality.png",
            caption="../docs/captions/quality.rst",
            category="{study}",
            labels={
                "kind": "figure",
                "content": "separation of prototypes and accuracy",
            },
        ),
        csv="results/prototype_studies/{study}/quality.csv",
    log:
        "results/logs/draw_quality/{study}.log",
    benchmark:
        "results/benchmarks/draw_quality/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_quality(w.study),
        code=PLAN.code("draw_quality"),
    message:
        "Figure separation of prototypes {wildcards.study}"
    shell:
        "python -m workflow_lib draw-quality --quality {input.quality}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_boundaries:
    input:
        boundaries=lambda w: PLAN.prototypes[w.study].example_store("boundaries"),
        prototypes=lambda w: PLAN.prototypes[w.study].example_store("prototypes"),
        table="results/prototype_studies/{study}/boundary_images.csv",
        intervals="results/prototype_studies/{study}/boundary_intervals.csv",
    output:
        svg="results/prototype_studies/{study}/boundaries.svg",
        png=report(
            "results/prototype_studies/{study}/boundaries.png",
            caption="../docs/captions/boundaries.rst",
            category="{study}",
            labels={"kind": "figure", "content": "boundary images"},
        ),
        csv="results/prototype_studies/{study}/boundaries.csv",
    log:
        "results/logs/draw_boundaries/{study}.log",
    benchmark:
        "results/benchmarks/draw_boundaries/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.prototypes),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_boundaries(w.study),
        code=PLAN.code("draw_boundaries"),
    message:
        "Figure boundaries of prototypes {wildcards.study}"
    shell:
        "python -m workflow_lib draw-boundaries --boundaries {input.boundaries} --prototypes {input.prototypes} --table {input.table} --intervals {input.intervals}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"
