#!/usr/bin/env bash
# Installs the public clients that test/strangers lets loose on the simulated clouds, outside the repository: Node from
# Debian's packages where it is missing, and the npm packages in a folder of their own ($STRANGERS, else a temporary one).
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
