#!/bin/bash
# UDP answers per server CPU-second: apps/dns against NSD, one after the other on the same machine, zone and client; server pinned to
# one core, client to another. Needs: nsd, two cores, root for `direct` (network namespaces, a tap).
#   bench/dns_vs_nsd.sh [host|direct|large] [SECONDS] [WINDOW]
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-host} seconds=${2:-5} window=${3:-512}
scratch=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  ip netns del fata-bench 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT
command -v nsd >/dev/null || { echo "dns_vs_nsd: install nsd first: apt-get install nsd" >&2; exit 64; }
cmake -S . -B build/bench -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 -DFATA_BENCH=ON >/dev/null
ninja -C build/bench dns_load >/dev/null
load=build/bench/bench/dns_load

name=www.example.org count=1 zone=apps/dns/zones/example.org.zone
if [ "$mode" = large ]; then
  zone=$scratch/example.org.zone name=h%u.example.org count=1000000
  { head -13 apps/dns/zones/example.org.zone; awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "h%d IN A 10.%d.%d.%d\n", i, i/65536%256, i/256%256, i%256 }'; } >"$zone"
fi

start_nsd() {  # ADDRESS [PREFIX...]
  local address=$1; shift
  cat >"$scratch/nsd.conf" <<CONF
server:
  server-count: 1
  ip-address: $address@5301
  username: ""
  chroot: ""
  zonesdir: "$scratch"
  database: ""
  pidfile: "$scratch/nsd.pid"
  xfrdfile: "$scratch/xfrd.state"
  zonelistfile: "$scratch/zone.list"
  logfile: "$scratch/nsd.log"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: example.org
  zonefile: "$PWD_ZONE"
CONF
  "$@" taskset -c 0 nsd -c "$scratch/nsd.conf" -d &
  pids+=($!)
  # NSD answers from a child of a child: the process that uses the CPU is found by what it consumed.
}
busiest() {  # of the processes whose ancestor is PID
  local best="" most=-1 p used
  for p in $(descendants "$1") "$1"; do
    read -r used _ <"/proc/$p/schedstat" 2>/dev/null || continue
    if [ "$used" -gt "$most" ]; then most=$used best=$p; fi
  done
  echo "$best"
}
descendants() { local c; for c in $(cat /proc/"$1"/task/*/children 2>/dev/null); do echo "$c"; descendants "$c"; done; }
measure() {  # LABEL ADDRESS PORT PID [PREFIX...]
  local label=$1 address=$2 port=$3 pid=$4; shift 4
  "$@" taskset -c 1 "$load" "$address" "$port" "$pid" 0.3 "$window" "$name" "$count" >/dev/null || true
  pid=$(busiest "$pid")
  for _ in 1 2 3; do printf '%-6s ' "$label"; "$@" taskset -c 1 "$load" "$address" "$port" "$pid" "$seconds" "$window" "$name" "$count"; done
}
wait_for() {  # until it answers
  for _ in $(seq 600); do "${@:3}" dig +time=1 +tries=1 +short @"$1" -p "$2" ns1.example.org A 2>/dev/null | grep -q '^192' && return; sleep 0.1; done
  echo "dns_vs_nsd: no answer from $1 port $2" >&2; exit 1
}
PWD_ZONE=$(realpath "$zone")

if [ "$mode" = direct ]; then
  ./fata build apps/dns --net direct >/dev/null
  ns=fata-bench
  ip netns add $ns
  run=(ip netns exec $ns)
  "${run[@]}" ip link set lo up
  "${run[@]}" ip tuntap add tap0 mode tap vnet_hdr
  "${run[@]}" ip addr add 10.0.2.2/24 dev tap0
  "${run[@]}" ip link set tap0 up
  "${run[@]}" taskset -c 0 "$(./fata query apps/dns --net direct image)" &
  pids+=($!)
  wait_for 10.0.2.15 1053 "${run[@]}"
  measure fata 10.0.2.15 1053 "${pids[-1]}" "${run[@]}"
  kill "${pids[-1]}"
  # The peer where a kernel's server would be: behind a veth, in a namespace of its own.
  peer=fata-bench-peer
  ip netns add $peer
  trap 'ip netns del fata-bench-peer 2>/dev/null || true; cleanup' EXIT
  ip link add veth0 netns $ns type veth peer name veth1 netns $peer
  "${run[@]}" ip addr add 10.0.3.2/24 dev veth0
  "${run[@]}" ip link set veth0 up
  ip netns exec $peer ip addr add 10.0.3.15/24 dev veth1
  ip netns exec $peer ip link set veth1 up
  ip netns exec $peer ip link set lo up
  start_nsd 10.0.3.15 ip netns exec $peer
  wait_for 10.0.3.15 5301 "${run[@]}"
  measure nsd 10.0.3.15 5301 "${pids[-1]}" "${run[@]}"
else
  if [ "$mode" = large ]; then options=(-D zones=folder) arguments=(--zones "$scratch"); else options=() arguments=(); fi
  ./fata build apps/dns "${options[@]}" >/dev/null
  taskset -c 0 "$(./fata query apps/dns "${options[@]}" image)" "${arguments[@]}" &
  pids+=($!)
  wait_for 127.0.0.1 1053
  grep VmHWM "/proc/${pids[-1]}/status"
  measure fata 127.0.0.1 1053 "${pids[-1]}"
  kill "${pids[-1]}"
  start_nsd 127.0.0.1
  wait_for 127.0.0.1 5301
  measure nsd 127.0.0.1 5301 "${pids[-1]}"
fi
