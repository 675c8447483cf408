#!/bin/sh
# Print all that a run of the chain could touch, in a form that can be compared.
set -eu
cd /
dpkg-query --show --showformat '${Package} ${Architecture} ${Version} ${Status}\n'
find etc opt/rdna1 opt/rocm* var/lib/dpkg/status var/lib/dpkg/updates var/lib/rdna1 usr/local \
  -xdev -not -path '*/__pycache__*' -printf '%p %y %m %u %g %s %T@ %l\n' | sort
