#!/usr/bin/env bash
# Measures HAProxy, nginx and the command-line tool's `relay` as the same hop: plain, over loopback, each with one thread.
#
#   cargo build --release -p realtime-server -p realtime-cli --features realtime-server/rustls,realtime-server/tokio \
#       --example relay_cost --bins
#   realtime-server/examples/relay_cost/beside.sh
#
# SESSIONS=1000 PAIRS=300 PAUSE_MS=100 BOTH_WAYS=1 are a thousand calls of half a minute, in which both sides speak. On a
# machine with several cores, each relay runs on the first, and the far ends on another.
#
# Ends what it has started.
set -euo pipefail
ulimit -n "$(ulimit -Hn)"
cd "$(dirname "$0")/../../.."
scratch=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; rm -rf "$scratch"' EXIT
service=${SERVICE_PORT:-9400}
haproxy_port=$((service + 1)) nginx_port=$((service + 2)) ours_port=$((service + 3))

cat > "$scratch/haproxy.cfg" << CONFIG
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
frontend gateway
    bind 127.0.0.1:$haproxy_port
    default_backend service
backend service
    server service 127.0.0.1:$service
CONFIG
# One core for the relays, of which one is used at a time.
here=(taskset -c 0)
if [ "$(nproc)" = 1 ]; then here=(); fi
"${here[@]}" haproxy -f "$scratch/haproxy.cfg" -db > "$scratch/haproxy.log" 2>&1 &
haproxy=$!
pids+=("$haproxy")

cat > "$scratch/nginx.conf" << CONFIG
daemon off;
master_process off;
pid $scratch/nginx.pid;
error_log $scratch/nginx.log;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $scratch/body;
    proxy_temp_path $scratch/proxy;
    fastcgi_temp_path $scratch/fastcgi;
    uwsgi_temp_path $scratch/uwsgi;
    scgi_temp_path $scratch/scgi;
    server {
        listen 127.0.0.1:$nginx_port;
        location / {
            proxy_pass http://127.0.0.1:$service;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection upgrade;
        }
    }
}
CONFIG
"${here[@]}" nginx -c "$scratch/nginx.conf" -e "$scratch/nginx.log" &
nginx=$!
pids+=("$nginx")

TOKIO_WORKER_THREADS=1 OPENAI_API_KEY=any "${here[@]}" target/release/realtime relay \
    --base-url "http://127.0.0.1:$service/v1" --listen "127.0.0.1:$ours_port" --max-connections 2000 2> "$scratch/relay.log" > "$scratch/relay.url" &
ours=$!
pids+=("$ours")

for port in "$haproxy_port" "$nginx_port" "$ours_port"; do
    for _ in $(seq 100); do
        if (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then break; fi
        sleep 0.1
    done
done
grep -m1 "model name" /proc/cpuinfo
haproxy -v | sed -n 1p
nginx -v
${here:+taskset -c 1} target/release/examples/relay_cost hop "$service" "direct=127.0.0.1:$service=" \
    "haproxy=127.0.0.1:$haproxy_port=$haproxy" "nginx=127.0.0.1:$nginx_port=$nginx" "relay=127.0.0.1:$ours_port=$ours"
