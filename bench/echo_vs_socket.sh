#!/bin/bash
# UDP packets per server CPU-second: examples/devices/udp-echo on a tap (`--net direct`) against a
# plain kernel-socket echo behind a veth. Needs root (network namespaces) and two cores.
#   bench/echo_vs_socket.sh [SECONDS] [WINDOW]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5} window=${2:-512}
. bench/common.sh
./fata build examples/devices/udp-echo --net direct >/dev/null
make_tap
make_veth
ip netns exec $ns taskset -c 0 "$(./fata query examples/devices/udp-echo --net direct image)" & pids+=($!)
ip netns exec $peer taskset -c 0 build/bench/bench/socket_echo 7007 & pids+=($!)
sleep 1
measure fata 10.0.2.15 7007 "${pids[0]}" echo 1 ip netns exec $ns
measure socket 10.0.3.15 7007 "${pids[1]}" echo 1 ip netns exec $ns
