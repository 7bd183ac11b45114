#!/bin/sh
# `make` puts this beside the venv's python as tenantctl; it finds its project from where it lies, through links too.
bin=$(dirname "$(readlink -f "$0")")
PYTHONPATH="$bin/../../include${PYTHONPATH:+:$PYTHONPATH}" exec "$bin/python" -P -m tenantctl "$@"
