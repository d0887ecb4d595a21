"""Confusion studies: networks trained with swapped labels of two classes (docs/science.md 3).

Reads a dataset, writes <results>/confusion/{study}/{pair}/seed-{seed}.zarr.zip, where {pair} is "A+B" or "baseline".
"""

# One rule per block of seeds, because the outputs of a rule are fixed. `spec` depends on the output and is not compared
# by Snakemake. `settings` is compared instead; it does not include the seeds, so their number per job does not matter.
for study, plan in PLAN.confusion.items():
    dataset = PLAN.config.models[plan.settings.model].dataset
    for block in plan.blocks(PLAN.seeds_per_job):

        rule:
            name:
                f"train_replicates_{study}_{block[0]}_{block[-1]}"
            input:
                check=f"<results>/networks/{plan.settings.model}.csv",
                train=f"<results>/datasets/{dataset}/train.zarr.zip",
                test=f"<results>/datasets/{dataset}/test.zarr.zip",
                weights=PLAN.weights(plan.settings.model),
            output:
                confusion=expand(
                    "<results>/confusion/{study}/{{pair}}/seed-{seed}.zarr.zip",
                    study=study,
                    seed=block,
                ),
            log:
                f"<logs>/train_replicates/{study}/{{pair}}/seeds-{block[0]}-{block[-1]}.log",
            benchmark:
                f"<benchmarks>/train_replicates/{study}/{{pair}}/seeds-{block[0]}-{block[-1]}.tsv"
            wildcard_constraints:
                pair=one_of(plan.pairs),
            conda:
                "../environment.yaml"
            threads: 1
            resources:
                mem_mb=per_attempt(4000),
                runtime=per_attempt(1440),
                device="auto",
                gpu=1,
            params:
                settings=lambda w, study=study: PLAN.train_replicates(study, w.pair, []),
                spec=lambda w, output, study=study, block=block: PLAN.train_replicates(
                    study, w.pair, block
                ),
                code=PLAN.code("train_replicates"),
            message:
                f"Training {len(block)} networks of {study}, {{wildcards.pair}}"
            shell:
                command_line("train_replicates")
