#!/bin/sh
# How long a clean release build takes on two cores, and of how many crates: the facade with tokio, and its peers.
# Prints a line for each. Sources are fetched first, so that only compiling counts.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

measure() {
    name=$1
    dependency=$2
    mkdir -p "$work/$name/src"
    : >"$work/$name/src/lib.rs"
    printf '[package]\nname = "probe"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\n%s\n' \
        "$dependency" >"$work/$name/Cargo.toml"
    cd "$work/$name"
    cargo fetch --quiet
    crates=$(cargo tree --edges normal,build --prefix none | sed 's/ (\*)$//' | sort -u | wc -l)
    begin=$(date +%s)
    CARGO_TARGET_DIR="$work/$name/target" cargo build --release --jobs 2 --quiet
    end=$(date +%s)
    printf '%-40s %4s s %5s crates\n' "$name" "$((end - begin))" "$((crates - 1))"
    rm -rf "$work/$name/target"
}

measure realtime "realtime = { path = \"$here\" }"
measure async-openai 'async-openai = { version = "=0.41.3", features = ["realtime"] }'
measure oai-rt-rs 'oai-rt-rs = "=0.5.1"'
