#!/usr/bin/env bash
# Runs the same command on every worker of a Cloud TPU pod: TPU=name ZONE=zone ./launch/tpu_pod.sh --config=... --workdir=gs-or-shared-folder
# The repository must lie at the same place on all workers; jax finds its peers by itself.
set -euo pipefail
: "${TPU:?set TPU to the name of the pod}" "${ZONE:?set ZONE to its zone}" "${FOLDER:=jaxsig}"
command="cd $FOLDER && JAXSIG_ACCELERATOR=tpu JAXSIG_DISTRIBUTED=1 ./launch/local.sh $(printf '%q ' "$@")"
exec gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker=all --command="$command"
