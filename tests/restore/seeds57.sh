#!/bin/sh
# What the documented ROCm 5.7 set-up leaves on a host: a source with a key, packages of that build, a profile, a hold, and
# an environment elsewhere. Run as root with the lab mirror's address.
set -eu
mirror=$1
export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/apt/keyrings
python3 - "$mirror/rocm/rocm.gpg.key" > /etc/apt/keyrings/rocm.asc <<'FETCH'
import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())
FETCH
echo "deb [arch=amd64 signed-by=/etc/apt/keyrings/rocm.asc] $mirror/rocm/apt/5.7 jammy main" > /etc/apt/sources.list.d/rocm.list
printf 'Package: *\nPin: release o=repo.radeon.com\nPin-Priority: 600\n' > /etc/apt/preferences.d/rocm-pin-600
chmod 0640 /etc/apt/preferences.d/rocm-pin-600
apt-get -qq update
apt-get -qq -y --no-install-recommends install rocm-core rocm-smi-lib hsa-rocr > /dev/null
apt-mark -qq hold rocm-core > /dev/null
printf 'export ROCM_PATH=/opt/rocm\nexport HSA_OVERRIDE_GFX_VERSION=10.3.0\n' > /etc/profile.d/rocm-rdna1-57.sh
chmod 0755 /etc/profile.d/rocm-rdna1-57.sh
mkdir -p /opt/pytorch-5.7/bin
echo '# torch 2.2.2+rocm5.7 lives here' > /opt/pytorch-5.7/bin/activate
