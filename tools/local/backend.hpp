// The local backend as a value: an HTTP server on 127.0.0.1 with a store behind it. The program
// judgeval-local runs one; tests run as many as they need inside their own process.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>

#include "local/store.hpp"
#include "local/trace_printer.hpp"

namespace httplib {
class Server;
}

namespace judgeval::local {

class RequestCapture;

struct LocalBackendOptions {
    /// 0 lets the system choose.
    int port = 0;
    /// A file, or ":memory:".
    std::string database = ":memory:";
    /// The only key that is accepted; empty accepts any.
    std::string api_key{};
    /// By name, the prompt scorers that every project has: each a JSON object with what the platform's have
    /// (prompt, threshold, model, options, description).
    std::map<std::string, std::string> prompt_scorers{};
    std::size_t maximum_body_bytes = std::size_t{64} << 20U;
    std::size_t maximum_decompressed_bytes = std::size_t{256} << 20U;
    /// Where requests are written to, see request_capture.hpp.
    std::optional<std::filesystem::path> capture_directory{};
    /// Where finished traces are printed; must outlive the backend. Null prints none.
    std::ostream* trace_output = nullptr;
    TracePrinter::Options printing{};
};

class LocalBackend {
  public:
    /// Opens the database. Throws std::runtime_error with the reason when that, or the capture directory,
    /// fails.
    explicit LocalBackend(LocalBackendOptions options);
    /// Stops.
    ~LocalBackend();
    LocalBackend(const LocalBackend&) = delete;
    LocalBackend& operator=(const LocalBackend&) = delete;

    /// Requests are answered from when this returns until stop(). Throws std::runtime_error when the port is
    /// taken. Once only.
    void start();
    /// Finishes the requests at hand, then prints the traces not yet printed. A client that keeps an idle
    /// connection open can delay this by up to two seconds. Does nothing when not running. Not to be called
    /// by two threads at once.
    void stop();

    /// The port listened on, known from start() on.
    int port() const { return port_; }
    /// For JUDGMENT_API_URL: "http://127.0.0.1:PORT".
    std::string url() const;

    /// What has been received; from any thread, also after stop().
    Store& store() { return store_; }
    Counts counts() const { return store_.counts(); }
    std::optional<StoredTrace> trace(std::string_view trace_id) { return store_.trace(trace_id); }

  private:
    void run_printer();

    const LocalBackendOptions options_;
    Store store_;
    std::unique_ptr<RequestCapture> capture_;
    std::unique_ptr<TracePrinter> printer_;
    std::unique_ptr<httplib::Server> server_;
    int port_ = 0;
    std::thread server_thread_;

    std::thread printer_thread_;
    std::mutex mutex_;
    std::condition_variable stop_requested_;
    bool stopping_ = false;  // guarded by mutex_
};

}  // namespace judgeval::local
