#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing, and does nothing when none is.
#
#   tools/install_deps.sh          what the build and the tests need
#   tools/install_deps.sh --dev    also what format, lint and fuzz need
#   tools/install_deps.sh --services   also the servers that tests/services runs
#
# apt is called only when something is missing; that takes root, or sudo.
set -euo pipefail

packages=(gcc g++ libc6-dev cmake ninja-build pkgconf python3 python3-venv tzdata
    libxxhash-dev zlib1g-dev libzstd-dev liblz4-dev libsnappy-dev libbrotli-dev libbz2-dev libpcre2-dev
    libnghttp2-dev libcurl4-openssl-dev libxml2-dev libprotobuf-c-dev protobuf-c-compiler libssl-dev libmimalloc-dev libedit-dev libmicrohttpd-dev libcmocka-dev zstd)
packages+=(libsqlite3-dev libmariadb-dev libpq-dev)
dev_packages=(ccache clang libclang-rt-14-dev clang-format clang-tidy cppcheck)
service_packages=(mariadb-server-core mariadb-client-core postgresql postgresql-client openssl)

if [ "${1:-}" = --services ]; then
    packages+=("${service_packages[@]}")
    # Debian makes a cluster and starts it unless this says no; ours have their own.
    if [ "$(id -u)" = 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
fi
[ "${1:-}" != --dev ] || packages+=("${dev_packages[@]}")

if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian system: please provide what these packages hold: ${packages[*]}" >&2
    exit 0
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
    grep -qx "installed $package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=()
elif command -v sudo >/dev/null; then
    as_root=(sudo)
else
    echo "missing packages, and neither root nor sudo to install them. As root, run:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

echo "installing ${#missing[@]} packages: ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq)
"${apt[@]}" update
if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/tmp/chert-install.$$ 2>&1; then
    tail -20 /tmp/chert-install.$$ >&2
    echo "the packages could not be installed; the whole log is /tmp/chert-install.$$" >&2
    exit 1
fi
rm -f /tmp/chert-install.$$
