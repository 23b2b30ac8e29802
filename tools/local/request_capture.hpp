// Writes what clients sent to files, for tests and for people who look at bytes: request-NNNNNN.pb (or
// .flatbuffers; .body of what is no trace request) has the decompressed body, request-NNNNNN.json how it was
// sent. Called by the threads that serve requests, any number at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace judgeval::local {

class RequestCapture {
  public:
    /// Creates the directory if need be; files of the same names in it are overwritten. Throws
    /// std::runtime_error.
    explicit RequestCapture(std::filesystem::path directory);

    /// `suffix` is that of the body's file, `description` goes to the .json file. Throws std::runtime_error.
    void write(std::string_view body, std::string_view suffix, const nlohmann::json& description);

  private:
    std::filesystem::path directory_;
    std::atomic<std::uint64_t> next_number_ = 0;
};

}  // namespace judgeval::local
