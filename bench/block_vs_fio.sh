#!/bin/bash
# Compares a file as a disk: Fata's process against fio with io_uring, on the same file with the
# same operations, in alternating runs. Then it runs the same application as a kernel, without a
# peer: under emulation, the figure means little. Needs fio (apt-get install fio).
#   bench/block_vs_fio.sh [RUNS] [SECONDS] [FOLDER]
# FOLDER holds the file of 256 MiB (default: /var/tmp).
# Each line has the median of operations per second of both, and Fata's as a multiple of fio's.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-3} seconds=${2:-2} folder=${3:-/var/tmp}
command -v fio >/dev/null || { echo "block_vs_fio: install fio first: apt-get install fio" >&2; exit 64; }
app=bench/block
./fata build $app >/dev/null
./fata build $app -t kvm >/dev/null
image=$(./fata query $app image)
file=$(mktemp "$folder/fata-bench-XXXXXX")
trap 'rm -f "$file"' EXIT
dd if=/dev/zero of="$file" bs=1M count=256 status=none
sync "$file"

ours() { taskset -c 0 "$image" --disk="$file$words" --log='*:warning' --what="$what" --size="$size" --depth="$depth" --sequential="$sequential" --duration="${seconds}s" | sed 's/ .*//'; }
theirs() {
  local rw=$what more=()
  case $what in flush) rw=write; more=(--fdatasync=1) ;; esac
  [ "$sequential" = on ] || rw=rand$rw
  [ -z "$words" ] || more+=(--direct=1)
  taskset -c 0 fio --name=x --thread --filename="$file" --size=256M --ioengine=io_uring --rw="$rw" --bs="$size" --iodepth="$depth" \
    --time_based --runtime="$seconds" --randrepeat=0 --norandommap --invalidate=0 --output-format=json "${more[@]}" 2>/dev/null |
    python3 -c 'import json, sys; job = json.load(sys.stdin)["jobs"][0]; print(round(max(job["read"]["iops"], job["write"]["iops"])))'
}
kernel() { ./fata run $app -t kvm --accel tcg --disk "$file" -- --log='*:warning' --what="$what" --size="$size" --depth="$depth" --sequential="$sequential" --duration="${seconds}s" 2>/dev/null | tr -d '\r' | sed 's/ .*//'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
compare() {  # LABEL WHAT SIZE DEPTH SEQUENTIAL WORDS
  local label=$1 a=() b=()
  what=$2 size=$3 depth=$4 sequential=$5 words=$6
  for _ in $(seq "$runs"); do a+=("$(ours)") b+=("$(theirs)"); done
  local x y; x=$(printf '%s\n' "${a[@]}" | median); y=$(printf '%s\n' "${b[@]}" | median)
  awk -v label="$label" -v x="$x" -v y="$y" 'BEGIN { printf "%-44s fata %8d  fio %8d  %.2f\n", label, x, y, x / (y ? y : 1) }'
}
for words in "" ,direct; do
  cache=${words:+past the page cache}; cache=${cache:-in the page cache}
  compare "4 KiB random read, 1 under way, $cache" read 4096 1 off "$words"
  compare "4 KiB random read, 32, $cache" read 4096 32 off "$words"
  compare "4 KiB random write, 1, $cache" write 4096 1 off "$words"
  compare "4 KiB random write, 32, $cache" write 4096 32 off "$words"
  compare "128 KiB sequential read, 4, $cache" read 131072 4 on "$words"
  compare "128 KiB sequential write, 4, $cache" write 131072 4 on "$words"
done
compare "4 KiB write and flush" flush 4096 1 off ""
words=""
while read -r label what size depth sequential; do
  printf 'a kernel under TCG: %-28s %8s\n' "$label" "$(kernel)"
done <<'LIST'
read-1 read 4096 1 off
read-32 read 4096 32 off
write-1 write 4096 1 off
write-32 write 4096 32 off
sequential-read-4 read 131072 4 on
write-and-flush flush 4096 1 off
LIST
