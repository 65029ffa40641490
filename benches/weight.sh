#!/bin/sh
# What each feature of the facade costs by itself: how many crates it builds, and the processor's seconds of a clean debug
# build, as a project that depends on it pays them: with Cargo's own development profile, not with that of this workspace.
# Prints a line for each. Sources are fetched first, so that only compiling counts.
#
#     ./weight.sh                             all features
#     ./weight.sh mock smol                   these
#     REALTIME=/path/to/another ./weight.sh   those of another checkout
set -eu
here=${REALTIME:-$(cd "$(dirname "$0")/.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
[ $# -gt 0 ] || set -- "" tokio smol async-std audio captions mock serve conformance mockall schemars server telephony http metrics tracing webhooks

mkdir -p "$work/src"
touch "$work/src/lib.rs"
cp "$here/Cargo.lock" "$work"
cd "$work"
for feature in "$@"; do
    cat > Cargo.toml << END
[package]
name = "weight"
edition = "2024"

[dependencies]
realtime = { path = "$here", default-features = false, features = [${feature:+\"$feature\"}] }
END
    cargo fetch --quiet
    crates=$(($(cargo tree --quiet --edges normal,build --prefix none --format '{p}' | cut -d' ' -f1,2 | sort -u | wc -l) - 1))
    if ! bash -c 'TIMEFORMAT="%U %S"; time cargo build --quiet' 2> time; then
        cat time >&2
        exit 1
    fi
    seconds=$(tail -1 time | awk '{ printf "%.0f", $1 + $2 }')
    printf '%-12s %4s crates %5s s\n' "${feature:-none}" "$crates" "$seconds"
    rm -rf target
done
