# A Linux guest to compare with: Debian's kernel, a busybox, and socket_echo as the echo server.
# Source it after common.sh. Downloads (about 70 MB) stay in the user's cache.
guest_cache=${XDG_CACHE_HOME:-$HOME/.cache}/fata/linux-guest

# Leaves the kernel in $guest_cache/vmlinuz and the initramfs in $scratch/initrd.gz.
make_linux_guest() {
  local missing=() tool
  for tool in cpio depmod; do command -v $tool >/dev/null || missing+=($tool); done
  if ((${#missing[@]})); then echo "install first: apt-get install cpio kmod" >&2; exit 64; fi
  if [ ! -e "$guest_cache/ready" ]; then
    mkdir -p "$guest_cache/root"
    local image
    image=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
    (cd "$guest_cache" && apt-get download "$image" busybox-static >/dev/null &&
      for package in *.deb; do dpkg -x "$package" root; done && rm -f ./*.deb)
    cp "$guest_cache"/root/boot/vmlinuz-* "$guest_cache/vmlinuz"
    touch "$guest_cache/ready"
  fi
  local tree=$scratch/guest version folder
  version=$(ls "$guest_cache/root/lib/modules")
  mkdir -p "$tree"/{bin,dev,proc,sys} "$tree/lib/modules/$version"
  cp "$guest_cache/root/bin/busybox" "$tree/bin/"
  cp build/bench/bench/socket_echo "$tree/bin/"
  for folder in drivers/virtio drivers/net/virtio_net.ko drivers/net/net_failover.ko net/core; do
    mkdir -p "$tree/lib/modules/$version/kernel/$(dirname $folder)"
    cp -r "$guest_cache/root/lib/modules/$version/kernel/$folder" "$tree/lib/modules/$version/kernel/$folder"
  done
  cp "$guest_cache/root/lib/modules/$version"/modules.{order,builtin} "$tree/lib/modules/$version/"
  depmod -b "$tree" "$version" 2>/dev/null
  cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
modprobe virtio_pci
modprobe virtio_net
until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
exec /bin/socket_echo 7007
INIT
  chmod +x "$tree/init"
  (cd "$tree" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$scratch/initrd.gz"
}
