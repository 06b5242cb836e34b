// The ABI of virtio-blk from the kernel's public headers.
#pragma once

#include <linux/virtio_blk.h>
