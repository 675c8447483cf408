#!/bin/sh
# Take this host from Debian 12 to 13: `begin` kills dpkg in the middle, `finish` goes on to the end.
# The archive is the one that the host has; Ubuntu's do-release-upgrade was the model for what happens to third parties.
set -eu
here=$(dirname "$0")
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

apt() {
  apt-get --yes --quiet -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

begin() {
  # What the distribution brought, as far as the new one may not have it.
  apt_list '?installed ?origin(Debian)' > "$here/of-the-old-release"
  python3 "$here/third_party.py" bookworm trixie
  apt-get update
  apt upgrade --without-new-pkgs
  apt --download-only full-upgrade
  lines=$(wc -l < /var/log/dpkg.log)
  setsid apt-get --yes -o Dpkg::Options::=--force-confold full-upgrade > "$here/full-upgrade.log" 2>&1 &
  # Three packages are enough: they are unpacked and nothing of them is configured.
  while kill -0 $! && [ "$(tail -n "+$((lines + 1))" /var/log/dpkg.log | grep -c ' status unpacked ')" -lt 3 ]; do
    sleep 0.05
  done
  # A child of apt first, or it would wait for dpkg to end in order.
  for program in apt-get dpkg; do
    for process in $(pgrep --exact "$program"); do kill -KILL "$process" || true; done
  done
  wait || true
  dpkg --audit | grep -q . || { echo 'dpkg was not interrupted'; exit 1; }
}

finish() {
  dpkg --force-confdef --force-confold --configure -a || true
  # As a run says it: what was killed right after it was unpacked, dpkg wants once more.
  again=$(dpkg-query --show --showformat '${db:Status-Eflag} ${db:Status-Status} ${Package}\n' | sed -n 's/^reinstreq unpacked //p')
  # shellcheck disable=SC2086
  apt --ignore-hold --fix-broken ${again:+--reinstall} install $again
  apt full-upgrade
  # do-release-upgrade takes away what the new release no longer has, and what needs it, held or not.
  apt_list '?obsolete' > "$here/obsolete"
  # shellcheck disable=SC2046
  apt --ignore-hold --allow-change-held-packages remove $(grep --fixed-strings --line-regexp --file="$here/of-the-old-release" "$here/obsolete")
  apt autoremove
  rm -rf /usr/local/older-release
  # What becomes of a source that older instructions had people write for the older release: it names the new one, and the
  # keyring by another name than the host's own source of the same address. apt then reads no source at all.
  sources=/etc/apt/sources.list.d
  uri=$(sed -n 's/^URIs: *//p' "$sources/debian.sources" | head -n 1)
  printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' \
    "$uri" /usr/share/keyrings/debian-archive-keyring.pgp > "$sources/jammy-compat.sources"
}

apt_list() {
  command apt list "$1" 2> /dev/null | sed -n 's|/.*||p' | sort -u
}

"$1"
