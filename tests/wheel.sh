#!/usr/bin/env bash
# Runs the tests against the built wheel, in an environment and a folder that know nothing of the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

wheel=$(ls "$root"/dist/ewallet-*.whl)
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT

PYTHON=${PYTHON:-python3} sh tests/venv.sh "$away/venv"
"$away/venv/bin/python" -m pip --disable-pip-version-check --quiet install \
    -c constraints.txt "$wheel[dev,issuer,verifier,fast]"

# What tests read beside the package: their settings, the documents with examples, the benchmarks. Not the package.
mkdir "$away/project"
cp -r pyproject.toml constraints.txt README.md CHANGELOG.md docs tests "$away/project/"
rm -rf "$away/project/tests/interop/node_modules"
if [ -d tests/interop/node_modules ]; then
    ln -s "$root/tests/interop/node_modules" "$away/project/tests/interop/node_modules"
fi

cd "$away/project"
found=$("$away/venv/bin/python" -I -c 'import ewallet; print(ewallet.__file__)')
case $found in
"$away"/venv/*) echo "testing $found" ;;
*) echo "the tests would import $found, not the wheel" >&2 && exit 1 ;;
esac

export EWALLET_VECTORS=${EWALLET_VECTORS:-$(dirname "$root")/shared}
PATH=$away/venv/bin:$PATH "$away/venv/bin/pytest" -m 'not slow' "$@"
