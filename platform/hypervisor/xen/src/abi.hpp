// Xen's public headers (libxen-dev), which are C; the parts that are not valid C++ are left out.
#pragma once

#include <cstddef>
#include <cstdint>

#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>
#include <xen/xen.h>
