# Written by `python -m workflow_lib.config.generate` from pyproject.toml and constraints.txt; do not edit.
# docker build -t latent-atlas .
# docker run --rm -v "$PWD:/study" latent-atlas snakemake          (--gpus all for GPUs)
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends git libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/latent-atlas
COPY pyproject.toml constraints.txt README.md ./
COPY latent_atlas latent_atlas
COPY snakemake_logger_plugin_latent_atlas snakemake_logger_plugin_latent_atlas
COPY workflow_lib workflow_lib
RUN python -m pip install --no-cache-dir --constraint constraints.txt --editable '.[workflow,slurm]'
ENV NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /study
