# Functions that the benchmark scripts share. A script sets `seconds` and `window`, then sources
# this file from the top of the tree.
scratch=$(mktemp -d)
pids=()
ns=fata-bench peer=fata-bench-peer
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  ip netns del $ns 2>/dev/null || true
  ip netns del $peer 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT
cmake -S . -B build/bench -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 -DFATA_BENCH=ON >/dev/null
ninja -C build/bench udp_load socket_echo >/dev/null
load=build/bench/bench/udp_load

descendants() { local c; for c in $(cat /proc/"$1"/task/*/children 2>/dev/null); do echo "$c"; descendants "$c"; done; }
cpu_of() { local used=0; read -r used _ <"/proc/$1/schedstat" 2>/dev/null || true; echo "$used"; }
# measure LABEL ADDRESS PORT PID PATTERN COUNT [PREFIX...]: three runs. A server may work in a child
# process (NSD does), so the process that used the most CPU during the warm-up is measured.
measure() {
  local label=$1 address=$2 port=$3 pid=$4 pattern=$5 count=$6 best=$4 most=-1 p; shift 6
  declare -A before
  for p in $pid $(descendants "$pid"); do before[$p]=$(cpu_of "$p"); done
  "$@" taskset -c 1 "$load" "$address" "$port" "$pid" 0.3 "$window" "$pattern" "$count" >/dev/null || true
  for p in "${!before[@]}"; do
    local used=$(($(cpu_of "$p") - before[$p]))
    if [ "$used" -gt "$most" ]; then most=$used best=$p; fi
  done
  for _ in 1 2 3; do printf '%-8s ' "$label"; "$@" taskset -c 1 "$load" "$address" "$port" "$best" "$seconds" "$window" "$pattern" "$count"; done
}
# A namespace for the client and Fata, with a tap at 10.0.2.2.
make_tap() {
  ip netns add $ns
  ip netns exec $ns ip link set lo up
  ip netns exec $ns ip tuntap add tap0 mode tap vnet_hdr
  ip netns exec $ns ip addr add 10.0.2.2/24 dev tap0
  ip netns exec $ns ip link set tap0 up
}
# A second namespace behind a veth for a server on the Linux stack: 10.0.3.2 to 10.0.3.15.
make_veth() {
  ip netns add $peer
  ip link add veth0 netns $ns type veth peer name veth1 netns $peer
  ip netns exec $ns ip addr add 10.0.3.2/24 dev veth0
  ip netns exec $ns ip link set veth0 up
  ip netns exec $peer ip addr add 10.0.3.15/24 dev veth1
  ip netns exec $peer ip link set veth1 up
  ip netns exec $peer ip link set lo up
}
