// Tags of the communication with other domains of the same host.
#pragma once

#include <string_view>

namespace fata::config {

struct GrantTable {
  static constexpr std::string_view kName = "GrantTable", kConcept = "fata::sig::GrantTable",
                                    kHeader = "fata/sig/grant_table.hpp";
};
struct EventChannels {
  static constexpr std::string_view kName = "EventChannels", kConcept = "fata::sig::EventChannels",
                                    kHeader = "fata/sig/event_channels.hpp";
};
struct Xenstore {
  static constexpr std::string_view kName = "Xenstore", kConcept = "fata::sig::Xenstore",
                                    kHeader = "fata/sig/xenstore.hpp";
};

}  // namespace fata::config
