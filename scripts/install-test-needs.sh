#!/usr/bin/env bash
# Installs what the tests use beyond Go: real MQTT brokers, Mosquitto with its clients and two that speak
# only MQTT 3.1.1, and a C compiler for the race detector. Whatever cannot be had is said; the tests that
# need it are then skipped.
set -euo pipefail

missing=()
PATH=$PATH:/usr/sbin
command -v mosquitto >/dev/null || missing+=(mosquitto)
command -v mosquitto_pub >/dev/null || missing+=(mosquitto-clients)
command -v nats-server >/dev/null || missing+=(nats-server)
command -v cc >/dev/null || command -v gcc >/dev/null || missing+=(gcc libc6-dev)
# RabbitMQ brings Erlang along, 35 MB: it is nice to have.
extra=()
command -v rabbitmq-server >/dev/null || extra+=(rabbitmq-server)
[ ${#missing[@]} -gt 0 ] || [ ${#extra[@]} -gt 0 ] || exit 0

install="apt-get install -y --no-install-recommends ${missing[*]} ${extra[*]}"
later() {
	printf '== tests run without: %s (%s)\n   to have them: %s\n' "${missing[*]} ${extra[*]}" "$1" "$install"
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

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=2 -o DPkg::Lock::Timeout=120 "$@"; }
log=$(mktemp)
echo "== installing for the tests: ${missing[*]} ${extra[*]}"
apt update >"$log" 2>&1 </dev/null || {
	tail -n 5 "$log"
	later "the package manager failed; is the machine offline?"
}
if [ ${#missing[@]} -gt 0 ] && ! apt install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
	# One that this distribution does not have must not cost the others.
	for one in "${missing[@]}"; do
		apt install -y --no-install-recommends "$one" >"$log" 2>&1 </dev/null || {
			tail -n 2 "$log"
			echo "== tests run without $one"
		}
	done
fi
if [ ${#extra[@]} -gt 0 ]; then
	# What takes longer than a minute is not worth it. Only the download may be interrupted.
	fetch=("${as_root[@]}" timeout 60 apt-get -qq install -y --no-install-recommends --download-only "${extra[@]}")
	if "${fetch[@]}" >"$log" 2>&1 </dev/null && apt install -y --no-install-recommends "${extra[@]}" >"$log" 2>&1 </dev/null; then
		missing+=("${extra[@]}")
	else
		echo "== tests run without ${extra[*]}: not to be had within a minute"
	fi
fi
rm -f "$log"

# Nor should they start at the next boot of a developer's machine.
for service in mosquitto nats-server rabbitmq-server; do
	case " ${missing[*]} " in
	*" $service "*)
		"${as_root[@]}" update-rc.d "$service" disable >/dev/null 2>&1 || true
		if command -v systemctl >/dev/null; then
			"${as_root[@]}" systemctl disable --now "$service" >/dev/null 2>&1 || true
		fi
		;;
	esac
done
