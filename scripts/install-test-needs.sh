#!/usr/bin/env bash
# Installs what the tests use beyond Go: a real MQTT broker with its clients, and a C compiler for
# the race detector. Whatever cannot be had is said; the tests that need it are then skipped.
set -euo pipefail

missing=()
PATH=$PATH:/usr/sbin
command -v mosquitto >/dev/null || missing+=(mosquitto)
command -v mosquitto_pub >/dev/null || missing+=(mosquitto-clients)
command -v cc >/dev/null || command -v gcc >/dev/null || missing+=(gcc libc6-dev)
[ ${#missing[@]} -gt 0 ] || exit 0

install="apt-get install -y --no-install-recommends ${missing[*]}"
later() {
	printf '== tests run without: %s (%s)\n   to have them: %s\n' "${missing[*]}" "$1" "$install"
	exit 0
}
command -v apt-get >/dev/null || later "no apt-get on this machine"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null && sudo -n true 2>/dev/null || later "needs root"
	as_root=(sudo -n)
fi

# Debian starts a service when it installs one, and Mosquitto's would take port 1883, the one that
# `bluelink2mqtt demo` listens on. A policy that forbids starting is the distribution's own way out.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
	"${as_root[@]}" chmod 755 $policy
	trap '"${as_root[@]}" rm -f $policy' EXIT
fi

echo "== installing for the tests: ${missing[*]}"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=2 -o DPkg::Lock::Timeout=120 "$@"; }
log=$(mktemp)
if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
	tail -n 5 "$log"
	rm -f "$log"
	later "the package manager failed; is the machine offline?"
fi
rm -f "$log"

# Nor should it start at the next boot of a developer's machine.
case " ${missing[*]} " in
*" mosquitto "*)
	"${as_root[@]}" update-rc.d mosquitto disable >/dev/null 2>&1 || true
	if command -v systemctl >/dev/null; then
		"${as_root[@]}" systemctl disable --now mosquitto >/dev/null 2>&1 || true
	fi
	;;
esac
