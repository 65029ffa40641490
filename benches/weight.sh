#!/bin/sh
# What each feature of the facade costs by itself: how many crates it builds, and the processor's seconds of a clean debug
# build. Prints a line for each. Sources are fetched first, so that only compiling counts.
#
#     ./weight.sh               all features
#     ./weight.sh mock smol     these
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- "" tokio smol async-std audio captions mock serve conformance mockall schemars server telephony http metrics tracing webhooks

cd "$here"
cargo fetch --quiet
for feature in "$@"; do
    options="--package realtime --no-default-features --features=$feature"
    # shellcheck disable=SC2086
    crates=$(cargo tree --quiet $options --edges normal,build --prefix none --format '{p}' | cut -d' ' -f1,2 | sort -u | wc -l)
    # shellcheck disable=SC2086
    seconds=$({ CARGO_TARGET_DIR="$work/target" bash -c 'TIMEFORMAT="%U %S"; time cargo build --quiet "$@" >&2' build $options 2>&1; } |
        tail -1 | awk '{ printf "%.0f", $1 + $2 }')
    printf '%-12s %4s crates %5s s\n' "${feature:-none}" "$crates" "$seconds"
    rm -rf "$work/target"
done
