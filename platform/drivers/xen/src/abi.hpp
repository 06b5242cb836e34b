// Xen's public headers (libxen-dev) that the drivers use.
#pragma once

#include <cstddef>
#include <cstdint>

#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <xen/io/blkif.h>
#include <xen/io/netif.h>
#include <xen/xen.h>
