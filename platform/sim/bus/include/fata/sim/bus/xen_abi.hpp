// Xen's public headers (libxen-dev) that the models of a host and of backends use.
#pragma once

#include <cstddef>
#include <cstdint>

#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <xen/grant_table.h>
#include <xen/io/blkif.h>
#include <xen/io/netif.h>
#include <xen/io/xs_wire.h>
#include <xen/xen.h>
