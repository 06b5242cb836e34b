#!/bin/bash
# UDP answers per server CPU-second: apps/dns against NSD, one after the other on the same machine
# with the same zone and client. The server is pinned to one core, the client to another.
# `host`: loopback. `direct`: Fata on a tap, NSD behind a veth. `large`: a zone of 1,000,000
# records. Neither server limits its response rate. Needs nsd, two cores, and root for `direct`
# (network namespaces).
#   bench/dns_vs_nsd.sh [host|direct|large] [SECONDS] [WINDOW]
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-host} seconds=${2:-5} window=${3:-512}
command -v nsd >/dev/null || { echo "dns_vs_nsd: install nsd first: apt-get install nsd" >&2; exit 64; }
. bench/common.sh

name=www.example.org count=1 zone=$PWD/apps/dns/zones/example.org.zone
if [ "$mode" = large ]; then
  name=h%u.example.org count=1000000
  { cat "$zone"; awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "h%d IN A 10.%d.%d.%d\n", i, i/65536%256, i/256%256, i%256 }'; } >"$scratch/example.org.zone"
  zone=$scratch/example.org.zone
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
  zonefile: "$zone"
CONF
  "$@" taskset -c 0 nsd -c "$scratch/nsd.conf" -d & pids+=($!)
}
wait_for() {  # ADDRESS PORT [PREFIX...]: until it answers
  for _ in $(seq 600); do "${@:3}" dig +time=1 +tries=1 +short @"$1" -p "$2" ns1.example.org A 2>/dev/null | grep '^192' >/dev/null && return; sleep 0.1; done
  echo "dns_vs_nsd: no answer from $1 port $2" >&2; exit 1
}

if [ "$mode" = direct ]; then
  ./fata build apps/dns --net direct >/dev/null
  make_tap
  make_veth
  ip netns exec $ns taskset -c 0 "$(./fata query apps/dns --net direct image)" --rrl=off & pids+=($!)
  wait_for 10.0.2.15 1053 ip netns exec $ns
  measure fata 10.0.2.15 1053 "${pids[-1]}" "$name" "$count" ip netns exec $ns
  start_nsd 10.0.3.15 ip netns exec $peer
  wait_for 10.0.3.15 5301 ip netns exec $ns
  measure nsd 10.0.3.15 5301 "${pids[-1]}" "$name" "$count" ip netns exec $ns
else
  options=() arguments=(--rrl=off)
  [ "$mode" = large ] && options=(-D zones=folder --build-dir "$scratch/build") arguments+=(--zones "$scratch")
  ./fata build apps/dns "${options[@]}" >/dev/null
  taskset -c 0 "$(./fata query apps/dns "${options[@]}" image)" "${arguments[@]}" & pids+=($!)
  wait_for 127.0.0.1 1053
  grep VmHWM "/proc/${pids[-1]}/status"
  measure fata 127.0.0.1 1053 "${pids[-1]}" "$name" "$count"
  kill "${pids[-1]}"
  start_nsd 127.0.0.1
  wait_for 127.0.0.1 5301
  measure nsd 127.0.0.1 5301 "${pids[-1]}" "$name" "$count"
fi
