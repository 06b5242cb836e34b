// The virtio ABI from the kernel's public headers, which are C; the parts that are not valid C++
// are left out.
#pragma once

#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#define class device_class
#include <linux/virtio_net.h>
#undef class
