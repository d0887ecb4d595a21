#!/bin/sh
# Measure k*, trainings, prototypes and ensembles on this machine's GPU, each beside the plain way:
#     sh bench/gpu.sh [FOLDER FOR THE TABLES]
# Needs a checkout and its packages, a few minutes, and a GPU that nobody else uses. Prints all tables at the end.
cd "$(dirname "$0")/.." || exit 1
out=${1:-$(mktemp -d)}
mkdir -p "$out" || exit 1
: "${PYTHON:=python}"
for part in kstar precision ensemble; do
    timeout "${SECONDS_EACH:-115}" "$PYTHON" -m "bench.gpu_$part" $TINY > "$out/$part.txt" 2> "$out/$part.log" \
        || echo "bench.gpu_$part ended with $?: $(tail -n 3 "$out/$part.log")" >> "$out/$part.txt"
done
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null
"$PYTHON" -c "import sys, numpy, torch; print(f'Python {sys.version.split()[0]}, torch {torch.__version__}, NumPy {numpy.__version__}')"
for part in kstar precision ensemble; do
    echo
    echo "== $part"
    cat "$out/$part.txt"
done
