#!/usr/bin/env bash
# Tests the packed package on several versions of Node, on Bun and on Deno, and its types with several versions of TypeScript.
# Needs a build in `dist`. The runtimes and compilers are npm packages, which are installed once in a cache.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -f dist/index.d.cts ] || npm run build

arch="$(node -p process.arch)"
case "$arch" in
  x64) bun='bun-linux-x64-baseline' ;;
  arm64) bun='bun-linux-aarch64' ;;
  *) echo "test/runtimes/run.sh: expected the architecture x64 or arm64, received $arch." >&2; exit 1 ;;
esac
# Node 20.9 is the oldest version that package.json allows.
tools=(
  "node-20@npm:node-linux-$arch@20.9.0"
  "node-22@npm:node-linux-$arch@22.23.5"
  "node-24@npm:node-linux-$arch@24.22.3"
  "node-26@npm:node-linux-$arch@26.12.1"
  "bun@npm:@oven/$bun@1.4.5"
  "deno@npm:@deno/linux-$arch-glibc@2.9.6"
  'typescript-5.4@npm:typescript@5.4.5'
  'typescript-5.9@npm:typescript@5.9.3'
  'typescript-6@npm:typescript@6.0.3'
  'typescript-7@npm:typescript@7.0.2'
)
key="$(printf '%s\n' "${tools[@]}" | sha256sum | cut -c1-12)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tfjs-multitask/runtimes-$key"
install() { npm install --ignore-scripts --no-audit --no-fund --loglevel=error "$@" >/dev/null; }
if [ ! -d "$cache" ]; then
  mkdir -p "$(dirname "$cache")"
  unfinished="$(mktemp -d "$cache.XXXXXX")"
  echo '{ "private": true }' >"$unfinished/package.json"
  (cd "$unfinished" && install "${tools[@]}") || { rm -rf "$unfinished"; echo 'The runtimes cannot be installed.' >&2; exit 1; }
  mv -T "$unfinished" "$cache" 2>/dev/null || rm -rf "$unfinished" # Another run may have installed them in the meantime.
fi

project="$(mktemp -d)"
trap 'rm -rf "$project"' EXIT
tarball="$(npm pack --silent --pack-destination "$project")"
cp test/runtimes/*.mjs test/runtimes/*.cjs test/runtimes/consumer.mts "$project"
cp test/runtimes/consumer.mts "$project/consumer.cts"
echo '{ "private": true }' >"$project/package.json"
(cd "$project" && install "./$tarball" @tensorflow/tfjs@4.22.0)
npx tsx test/runtimes/checkRuntimes.mts "$project" "$cache/node_modules"
npx tsx test/runtimes/checkTypes.mts "$project" "$cache/node_modules"
