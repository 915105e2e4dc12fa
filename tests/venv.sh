#!/bin/sh
# Makes the virtual environment $1, also on a Debian whose python3 came without venv or pip.
set -eu

python=${PYTHON:-python3}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "python 3.11 or later is needed; $python is $("$python" --version 2>&1 || true)" >&2
    echo "try: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi

make_environment() {
    rm -rf "$1"
    "$python" -m venv "$1" >"$log" 2>&1 && "$1/bin/python" -m pip --version >>"$log" 2>&1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_venv() {
    command -v apt-get >/dev/null || return 1
    echo "python3 has no venv here: installing the package python3-venv"
    as_root apt-get update -qq >>"$log" 2>&1
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq python3-venv >>"$log" 2>&1
}

without_ensurepip() {
    rm -rf "$1"
    "$python" -m venv --without-pip "$1" >>"$log" 2>&1 &&
        "$python" -m pip --python "$1/bin/python" install --quiet pip >>"$log" 2>&1
}

make_environment "$1" && exit 0
install_venv && make_environment "$1" && exit 0
without_ensurepip "$1" && exit 0

rm -rf "$1"
cat "$log" >&2
echo "cannot make a virtual environment; try: apt-get install python3-venv" >&2
exit 1
