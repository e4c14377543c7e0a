#!/usr/bin/env bash
# Runs a command (.ci/run when none is given) in a fresh clone of HEAD on a clean Debian that has only
# Go, git and make, to see that nothing installed by hand is needed. Needs root, debootstrap, and about
# 3 GB below TMPDIR. Recordings beside this checkout (../shared/fixtures) are laid beside the clone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -gt 0 ] || set -- .ci/run

machine=$(mktemp -d)
leave() {
	umount "$machine/proc" "$machine/dev" 2>/dev/null || true
	mountpoint -q "$machine/dev" || rm -rf --one-file-system "$machine"
}
trap leave EXIT

echo "== a clean Debian in $machine"
debootstrap --variant=minbase --include=git,make,ca-certificates bookworm "$machine" >"$machine.log" 2>&1 || {
	tail -n 5 "$machine.log"
	exit 1
}
rm -f "$machine.log"
cp -a "$(go env GOROOT)" "$machine/usr/local/go"
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/"
mount -t proc proc "$machine/proc"
mount --bind /dev "$machine/dev"

mkdir -p "$machine/work"
git clone -q . "$machine/work/main"
if [ -d ../shared/fixtures ]; then
	mkdir "$machine/work/shared"
	cp -r ../shared/fixtures "$machine/work/shared/"
fi

echo "== $*"
time chroot "$machine" /usr/bin/env -i HOME=/root CI=true LANG=C.UTF-8 \
	PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	bash -c 'cd /work/main && exec "$@"' bash "$@" </dev/null
