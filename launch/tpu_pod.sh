#!/usr/bin/env bash
# Runs the same command on every worker of a Cloud TPU pod:
#   TPU=name ZONE=zone ./launch/tpu_pod.sh --config=configs/respdiff.py:real --workdir=/shared/run
# All workers must see the workdir, and have the repository in the same folder (FOLDER, by default jaxsig
# in the home folder). jax finds its peers by itself.
set -euo pipefail
: "${TPU:?set TPU to the name of the pod}"
: "${ZONE:?set ZONE to its zone}"
: "${FOLDER:=jaxsig}"

settings="JAXSIG_ACCELERATOR=tpu JAXSIG_DISTRIBUTED=1"
flags="$(printf '%q ' "$@")"
command="cd $FOLDER && $settings ./launch/local.sh $flags"
exec gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker=all --command="$command"
