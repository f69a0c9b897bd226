# Sourced by the other scripts of this folder: the cache, output, installation of packages.
# shellcheck shell=bash
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${INTENTFLOW_CACHE:-$HOME/.cache/intentflow}"
part="$(basename "$0")"
mkdir -p "$cache"

say() { echo "$part: $*" >&2; }
fail() {
    say "error: $*"
    exit 2
}

# The project's own Python where there is one: Debian's has no pip of its own.
python() {
    local candidate
    for candidate in "${PYTHON:-}" "${VIRTUAL_ENV:-}/bin/python" "$here/../.venv/bin/python" python3; do
        if [[ -n $candidate ]] && "$candidate" -m pip --version >/dev/null 2>&1; then
            "$candidate" "$@"
            return
        fi
    done
    fail "needs a Python with pip: make an environment first (python3 -m venv .venv)"
}

# Debian packages, those that are missing only.
apt_install() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || fail "needs ${missing[*]}, and there is no apt-get to install them"
    ((EUID == 0)) || fail "needs root to install ${missing[*]}: run it with sudo -E, or install them first"
    say "installing ${missing[*]}"
    # One at a time: apt-get waits for the lock of dpkg, but not for that of the package lists.
    (
        flock 9
        apt-get update -q=2
        DEBIAN_FRONTEND=noninteractive apt-get install -q=2 -o DPkg::Lock::Timeout=600 \
            --no-install-recommends "${missing[@]}" >/dev/null
    ) 9>"$cache/apt.lock"
}

# An unpacked package without its requirements: apart from every environment, so nothing conflicts.
pip_unpack() { # REQUIREMENT FOLDER
    say "installing $1"
    python -m pip install --quiet --quiet --no-deps --upgrade --target "$2" "$1"
}
