#!/bin/bash
# UDP packets per second that a guest echoes. Runs examples/devices/udp-echo as a kernel, then a
# Linux guest with recvmmsg and sendmmsg, on the same QEMU machine (pc, TCG) and tap.
# Needs root (network namespaces), two cores, and cpio and kmod.
#   bench/echo_in_guest.sh [SECONDS] [WINDOW]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5} window=${2:-64}
. bench/common.sh
. bench/linux_guest.sh
make_linux_guest
./fata build examples/devices/udp-echo -t kvm >/dev/null
make_tap

# boot MEMORY WORDS...: starts QEMU on core 0 and sets $qemu to its pid.
boot() {
  local memory=$1; shift
  ip netns exec $ns taskset -c 0 qemu-system-x86_64 -M pc -accel tcg -cpu max -m "$memory" -nodefaults -no-reboot -display none \
    -serial file:"$scratch/console" -netdev tap,id=net,ifname=tap0,script=no,downscript=no -device virtio-net-pci,netdev=net,disable-legacy=on \
    "$@" & qemu=$!
  pids+=($qemu)
  for _ in $(seq 600); do
    ip netns exec $ns "$load" 10.0.2.15 7007 $qemu 0.1 1 echo 1 2>/dev/null | grep '[1-9]' >/dev/null && return
    sleep 0.1
  done
  echo "the guest does not answer:" >&2; tail -n 20 "$scratch/console" >&2; exit 1
}
boot 32 -kernel "$(./fata query examples/devices/udp-echo -t kvm image)"
measure fata 10.0.2.15 7007 $qemu echo 1 ip netns exec $ns
kill $qemu; wait $qemu 2>/dev/null || true
boot 256 -kernel "$guest_cache/vmlinuz" -initrd "$scratch/initrd.gz" -append "console=ttyS0 quiet rdinit=/init net.ifnames=0"
measure linux 10.0.2.15 7007 $qemu echo 1 ip netns exec $ns
