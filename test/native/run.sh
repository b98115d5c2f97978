#!/usr/bin/env bash
# The native engine, built by `build-native` against the TensorFlow of pip and tested on two versions of Node. All of it
# happens in a copy: the checkout's node_modules stays without TensorFlow, which other tests count on.
#   PYTHON=/path/to/python   a Python that has TensorFlow already
#   NODES="22 26"            the versions of Node to test on, beside the current one; default 24
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
# Without a word in package.json it would be a peer that is optional, and npm would leave it out.
npm install --no-save --save-dev --ignore-scripts --no-audit --no-fund --loglevel=error @tensorflow/tfjs-node@4.22.0
npx tsx src/node/cli.ts build-native --python "$python"

run() { # the Node
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
