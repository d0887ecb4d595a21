"""Studies of confused classes: all trainings together, tables and figures.

Reads results/confusion/{study}/, writes results/confusion_studies/{study}/counts.zarr.zip, {table}.csv and
{figure}.{svg,png,csv}; the csv holds the numbers behind a figure.
"""


rule collect_confusion:
    input:
        stores=lambda w: PLAN.confusion[w.study].stores.paths,
    output:
        counts="results/confusion_studies/{study}/counts.zarr.zip",
    log:
        "results/logs/collect_confusion/{study}.log",
    benchmark:
        "results/benchmarks/collect_confusion/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.confusion),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
    params:
        spec=lambda w: PLAN.collect_confusion(w.study),
        code=PLAN.code("collect_confusion"),
        stores=lambda w: PLAN.confusion[w.study].stores.patterns,
    message:
        "Counts of study {wildcards.study}"
    shell:
        "python -m workflow_lib collect-confusion --stores {params.stores:q} --counts {output.counts}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule tabulate_confusion:
    input:
        counts="results/confusion_studies/{study}/counts.zarr.zip",
    output:
        effects="results/confusion_studies/{study}/effects.csv",
        groups="results/confusion_studies/{study}/groups.csv",
        runs="results/confusion_studies/{study}/runs.csv",
        means="results/confusion_studies/{study}/means.csv",
        pairs="results/confusion_studies/{study}/pairs.csv",
        shares="results/confusion_studies/{study}/shares.csv",
        losses="results/confusion_studies/{study}/losses.csv",
    log:
        "results/logs/tabulate_confusion/{study}.log",
    benchmark:
        "results/benchmarks/tabulate_confusion/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.confusion),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
    params:
        spec=lambda w: PLAN.tabulate_confusion(w.study),
        code=PLAN.code("tabulate_confusion"),
    message:
        "Tables of study {wildcards.study}"
    shell:
        "python -m workflow_lib tabulate-confusion --counts {input.counts}"
        " --effects {output.effects} --groups {output.groups} --runs {output.runs} --means {output.means}"
        " --pairs {output.pairs} --shares {output.shares} --losses {output.losses}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_information:
    input:
        effects="results/confusion_studies/{study}/effects.csv",
    output:
        svg="results/confusion_studies/{study}/information.svg",
        png=report(
            "results/confusion_studies/{study}/information.png",
            caption="../docs/captions/information.rst",
            category="{study}",
            labels={"kind": "figure", "content": "bits that a class tells of another"},
        ),
        csv="results/confusion_studies/{study}/information.csv",
    log:
        "results/logs/draw_information/{study}.log",
    benchmark:
        "results/benchmarks/draw_information/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.confusion),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_information(w.study),
        code=PLAN.code("draw_information"),
    message:
        "Figure information of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-information --effects {input.effects}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_significance:
    input:
        effects="results/confusion_studies/{study}/effects.csv",
    output:
        svg="results/confusion_studies/{study}/significance.svg",
        png=report(
            "results/confusion_studies/{study}/significance.png",
            caption="../docs/captions/significance.rst",
            category="{study}",
            labels={"kind": "figure", "content": "what is lost with a class"},
        ),
        csv="results/confusion_studies/{study}/significance.csv",
    log:
        "results/logs/draw_significance/{study}.log",
    benchmark:
        "results/benchmarks/draw_significance/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.confusion),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_significance(w.study),
        code=PLAN.code("draw_significance"),
    message:
        "Figure significance of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-significance --effects {input.effects}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_accuracies:
    input:
        means="results/confusion_studies/{study}/means.csv",
    output:
        svg="results/confusion_studies/{study}/accuracies.svg",
        png=report(
            "results/confusion_studies/{study}/accuracies.png",
            caption="../docs/captions/accuracies.rst",
            category="{study}",
            labels={"kind": "figure", "content": "accuracy under each pair"},
        ),
        csv="results/confusion_studies/{study}/accuracies.csv",
    log:
        "results/logs/draw_accuracies/{study}.log",
    benchmark:
        "results/benchmarks/draw_accuracies/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.confusion),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_accuracies(w.study),
        code=PLAN.code("draw_accuracies"),
    message:
        "Figure accuracies of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-accuracies --means {input.means}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_matrices:
    input:
        counts="results/confusion_studies/{study}/counts.zarr.zip",
        pairs="results/confusion_studies/{study}/pairs.csv",
    output:
        svg="results/confusion_studies/{study}/matrices.svg",
        png=report(
            "results/confusion_studies/{study}/matrices.png",
            caption="../docs/captions/matrices.rst",
            category="{study}",
            labels={"kind": "figure", "content": "mean confusion matrices"},
        ),
        csv="results/confusion_studies/{study}/matrices.csv",
    log:
        "results/logs/draw_matrices/{study}.log",
    benchmark:
        "results/benchmarks/draw_matrices/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.confusion),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_matrices(w.study),
        code=PLAN.code("draw_matrices"),
    message:
        "Figure matrices of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-matrices --counts {input.counts} --pairs {input.pairs}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"


rule draw_curves:
    input:
        losses="results/confusion_studies/{study}/losses.csv",
    output:
        svg="results/confusion_studies/{study}/curves.svg",
        png=report(
            "results/confusion_studies/{study}/curves.png",
            caption="../docs/captions/curves.rst",
            category="{study}",
            labels={"kind": "figure", "content": "learning curves"},
        ),
        csv="results/confusion_studies/{study}/curves.csv",
    log:
        "results/logs/draw_curves/{study}.log",
    benchmark:
        "results/benchmarks/draw_curves/{study}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.confusion),
    group:
        "studies"
    conda:
        "../environment.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        spec=lambda w: PLAN.draw_curves(w.study),
        code=PLAN.code("draw_curves"),
    message:
        "Figure curves of study {wildcards.study}"
    shell:
        "python -m workflow_lib draw-curves --losses {input.losses}"
        " --svg {output.svg} --png {output.png} --csv {output.csv}"
        " --spec {params.spec:q} --code {params.code} --threads {threads} --log {log}"
