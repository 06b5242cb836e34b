#!/bin/bash
# Fata's TCP against Linux's. A Linux client talks through a relay between two taps: first to a
# Linux host that owns the far tap, then to Fata, whose own tap is joined to the far tap. Relay,
# client and congestion control (CUBIC) are the same for both. The relay has one core; both hosts
# share the other. Needs nftables, root (network namespaces) and two cores.
#   bench/tcp_vs_linux.sh stream [RUNS] [SECONDS]
#     Mb/s of one stream each way, with and without offloads.
#   bench/tcp_vs_linux.sh loss [RUNS] [SECONDS]
#     The same without offloads, at 1% loss and 20 ms round trip.
#   bench/tcp_vs_linux.sh requests [RUNS] [SECONDS]
#     Round trips of 64 bytes per second, on 1 and on 64 connections.
#   bench/tcp_vs_linux.sh connections [RUNS] [SECONDS]
#     Connections opened and closed, 64 at once, per second of the server's core.
# Each line has the runs in ascending order and their median.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-stream} runs=${2:-5} seconds=${3:-3} window=0
command -v nft >/dev/null || { echo "tcp_vs_linux: install nftables first: apt-get install nftables" >&2; exit 64; }
. bench/common.sh
ninja -C build/bench relay socket_stream tcp_requests >/dev/null
stream=build/bench/bench/socket_stream requests=build/bench/tests/tools/load/tcp_requests
server=10.0.2.15 client=10.0.2.2 app=bench/stream
case $what in
  stream | loss) ;;
  requests | connections) app=examples/devices/tcp-echo ;;
  *) echo "usage: bench/tcp_vs_linux.sh stream|loss|requests|connections [RUNS] [SECONDS]" >&2; exit 64 ;;
esac
./fata build $app --net direct >/dev/null
image=$(./fata query $app --net direct image)

# set_up linux|fata RELAY_OPTION...
set_up() {
  local host=$1; shift
  ip netns add $ns; ip netns add $peer
  for n in $ns $peer; do
    ip netns exec $n ip link set lo up
    ip netns exec $n sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
    ip netns exec $n sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse; echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range'
  done
  mkfifo "$scratch/ready.$$"
  taskset -c 1 build/bench/tests/tools/relay/relay "$ns:wire0" "$peer:wire1" "$@" >"$scratch/ready.$$" & pids=($!)
  exec 3<"$scratch/ready.$$"; rm "$scratch/ready.$$"
  read -r _ <&3
  ip netns exec $peer ip addr add $client/24 dev wire1
  ip netns exec $peer ip link set wire1 up
  ip netns exec $peer ip route replace 10.0.2.0/24 dev wire1 src $client congctl cubic
  ip netns exec $ns ip link set wire0 up
  if [ "$host" = linux ]; then
    ip netns exec $ns ip addr add $server/24 dev wire0
    ip netns exec $ns ip route replace 10.0.2.0/24 dev wire0 src $server congctl cubic
    [ "$what" != connections ] || steer wire0
    local serve=("$stream" serve 5001)
    [ $app = bench/stream ] || serve=("$requests" serve 5001)
    ip netns exec $ns taskset -c 0 "${serve[@]}" & pids+=($!)
  else
    ip netns exec $ns ip tuntap add tap0 mode tap vnet_hdr
    ip netns exec $ns ip link set tap0 up
    ip netns exec $ns nft -f - <<NFT
table netdev join {
  chain there { type filter hook ingress device wire0 priority 0; fwd to tap0; }
  chain back { type filter hook ingress device tap0 priority 0; fwd to wire0; }
}
NFT
    local offload=off
    [[ " $* " != *" --offload "* ]] || offload=on
    ip netns exec $ns taskset -c 0 "$image" --log '*:warning' --port=5001 --offload=$offload & pids+=($!)
  fi
  for _ in $(seq 100); do
    ip netns exec $peer timeout 1 bash -c "exec 4<>/dev/tcp/$server/5001" 2>/dev/null && return
    sleep 0.1
  done
  echo "tcp_vs_linux: $host does not answer" >&2; exit 1
}
# Moves the server's kernel work to the server's core, where it is counted.
steer() { ip netns exec $ns mount -t sysfs sysfs /sys 2>/dev/null || true; ip netns exec $ns sh -c "echo 1 >/sys/class/net/$1/queues/rx-0/rps_cpus"; }
tear_down() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait "${pids[@]}" 2>/dev/null || true
  pids=()
  exec 3<&-
  ip netns del $ns; ip netns del $peer
}
at_client() { ip netns exec $peer taskset -c "${client_core:-0}" "$@"; }
busy() { awk '/^cpu0 / { print ($2 + $3 + $4 + $7 + $8) / 100 }' /proc/stat; }  # seconds that the server's core worked
one() {  # HOST ARGUMENT...: one figure
  case $what in
    stream | loss) at_client $stream "$2" $server 5001 "$seconds" | sed 's/ .*//' ;;
    requests) at_client $requests ask $server 5001 "$seconds" "$2" ;;
    connections)
      local before rate; before=$(busy)
      rate=$(client_core=1 at_client $requests connect $server 5001 "$seconds" 64)
      awk -v rate="$rate" -v seconds="$seconds" -v busy="$(awk -v a="$(busy)" -v b="$before" 'BEGIN { print a - b }')" 'BEGIN { printf "%.0f\n", rate * seconds / busy }' ;;
  esac
}
# compare LABEL ARGUMENT RELAY_OPTION...: measures both hosts in alternating runs, so that changes
# of the machine's load affect both alike.
compare() {
  local label=$1 argument=$2 host seed; shift 2
  : >"$scratch/linux"; : >"$scratch/fata"
  for seed in $(seq "$runs"); do
    for host in linux fata; do
      set_up $host "$@" --seed "$seed"
      one $host "$argument" >>"$scratch/$host"
      tear_down
    done
  done
  for host in linux fata; do
    sort -n "$scratch/$host" | awk -v host=$host -v label="$label" '{ v[NR] = $1; all = all " " $1 } END { printf "%-28s %-6s median %-8s of%s\n", label, host, v[int((NR + 1) / 2)], all }'
  done
}
case $what in
  stream)
    compare "offloads, server receives" send --offload
    compare "offloads, server sends" recv --offload
    compare "none, server receives" send
    compare "none, server sends" recv ;;
  loss)
    compare "1% loss, server receives" send --delay 10 --loss 0.01
    compare "1% loss, server sends" recv --delay 10 --loss 0.01 ;;
  requests)
    compare "64 B, 1 connection" 1
    compare "64 B, 64 connections" 64 ;;
  connections) compare "connections" 64 ;;
esac
