// The programs that tools/setup --tests builds for tests to talk to: a Collector and toxiproxy.
#pragma once

#include <filesystem>
#include <string>

namespace judgeval::test {

inline std::string peer_path(const std::string& name) {
    return std::string(JUDGEVAL_TEST_PEERS) + "/" + name;
}

/// Why that program is not to be had on this machine, for GTEST_SKIP; empty when it is.
inline std::string missing_peer(const std::string& name) {
    if (std::filesystem::exists(peer_path(name))) return {};
    return "there is no " + peer_path(name) +
           "; tools/setup --tests builds it, with Go 1.24 or later or with pip, and needs a network to do so";
}

}  // namespace judgeval::test
