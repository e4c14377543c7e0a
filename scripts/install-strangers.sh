#!/usr/bin/env bash
# Installs public clients outside the repository: those that test/strangers lets loose on the simulated clouds, and mqtt.js,
# with which test/e2e drives the program. Node comes from Debian's packages where it is missing, the npm packages go into a
# folder of their own ($STRANGERS, else a temporary one).
set -euo pipefail

folder=${STRANGERS:-${TMPDIR:-/tmp}/strangers}
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	as_root=()
	[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
	echo "== installing node and npm"
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends nodejs npm >/dev/null
fi
if [ ! -d "$folder/node_modules/bluelinky" ]; then
	echo "== installing bluelinky in $folder"
	mkdir -p "$folder"
	npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel error bluelinky@8.4.0
fi
if [ ! -d "$folder/node_modules/mqtt" ]; then
	echo "== installing mqtt.js in $folder"
	npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel error mqtt@5.16.0
fi
