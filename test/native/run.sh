#!/usr/bin/env bash
# Builds the native engine with `build-native` against the TensorFlow of pip, and tests it on two versions of Node. It works in a
# copy of the checkout, because other tests need a node_modules without TensorFlow.
#   PYTHON=/path/to/python   a Python installation with TensorFlow; default: a new virtual environment
#   NODES="22 26"            versions of Node to test on, in addition to the current one; default: 24
set -euo pipefail
cd "$(dirname "$0")/../.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tfjs-multitask"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
mkdir -p "$cache"

python="${PYTHON:-$cache/tensorflow-2.21/bin/python}"
if [ ! -x "$python" ] || ! "$python" -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("tensorflow"))'; then
  python3 -m venv "$cache/tensorflow-2.21"
  "$python" -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
fi

[ -d node_modules ] || npm ci
cp -a .npmrc package.json package-lock.json tsconfig.json vitest.config.ts node_modules src test examples "$copy"
cd "$copy"
# --save-dev is needed: npm does not install a package that is only an optional peer dependency.
npm install --no-save --save-dev --ignore-scripts --no-audit --no-fund --loglevel=error @tensorflow/tfjs-node@4.22.0
npx tsx src/node/cli.ts build-native --python "$python"

run() { # $1: path of the Node binary
  echo "-- native on Node $("$1" --version)"
  TF_CPP_MIN_LOG_LEVEL=1 MULTITASK_NATIVE=required "$1" node_modules/vitest/vitest.mjs run test/native
}
run "$(command -v node)"
for version in ${NODES:-24}; do
  home="$cache/node-$version"
  if [ ! -x "$home/package/bin/node" ]; then
    mkdir -p "$home"
    tarball="$(cd "$home" && npm pack --silent "node-linux-$(node -p process.arch)@$version")"
    tar -xzf "$home/$tarball" -C "$home"
    rm "$home/$tarball"
  fi
  run "$home/package/bin/node"
done
