// Tags of storage.
#pragma once

#include <string_view>

namespace fata::config {

struct Block {
  static constexpr std::string_view kName = "Block", kConcept = "fata::sig::BlockDevice",
                                    kHeader = "fata/sig/block.hpp";
};
struct KeyValue {
  static constexpr std::string_view kName = "KeyValue", kConcept = "fata::sig::KeyValueReader",
                                    kHeader = "fata/sig/key_value.hpp";
};

struct BootArchive {
  static constexpr std::string_view kName = "BootArchive", kConcept = "fata::sig::BootArchive",
                                    kHeader = "fata/sig/boot_archive.hpp";
};

}  // namespace fata::config
