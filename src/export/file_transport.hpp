// The transport of a FileExporter: request bodies are appended to a file or a pipe, one after the other,
// instead of being sent.
//
// It answers as a server would, so that the exporter treats a disk as it treats a backend: 200 when a body is
// written, 503 (tried again) while there is no room for it, 410 (refused) when the reader is gone or nothing
// can follow any more. Made by whoever makes the tracer, used by the exporter's thread, but for wake().
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "export/transport.hpp"

namespace judgeval::detail {

class FileTransport final : public Transport {
  public:
    /// "-" is standard output. Throws std::system_error, saying what cannot be opened and why.
    explicit FileTransport(const std::string& path);
    ~FileTransport() override;
    FileTransport(const FileTransport&) = delete;
    FileTransport& operator=(const FileTransport&) = delete;

    void send(std::uint64_t id, const HttpRequest& request) override;
    void cancel(std::uint64_t id) override;
    void wait(std::chrono::nanoseconds at_most, std::vector<Completion>& completions) override;
    void wake() noexcept override;

  private:
    struct Body {
        std::uint64_t id;
        std::vector<std::string_view> pieces;  ///< not yet written
        bool is_begun = false;
    };

    [[nodiscard]] bool write_some(std::size_t at_most, int& error);
    [[nodiscard]] bool lock() const;
    void write_to_disk(std::vector<Completion>& completions);
    void write_to_stream(std::vector<Completion>& completions);
    void take_back(std::int64_t start, std::int64_t written);
    void finish(std::vector<Completion>& completions, int error);

    const std::string name_;  ///< for messages
    int file_ = -1;
    int wake_ = -1;  ///< an eventfd
    bool is_regular_ = false;
    bool is_shared_ = false;  ///< opened by us: other processes may append to it as well
    std::deque<Body> bodies_;
    bool is_broken_ = false;  ///< a body was written in part and could not be taken back
};

/// Why spans cannot be written to `path`; empty when they can. Creates the file.
[[nodiscard]] std::string check_file(const std::string& path);

}  // namespace judgeval::detail
