// See backend.hpp.
#include "local/backend.hpp"

#include <httplib.h>
#include <sys/socket.h>

#include <stdexcept>
#include <utility>

#include "local/request_capture.hpp"
#include "local/routes.hpp"

namespace judgeval::local {
namespace {

/// A connection that is kept alive holds one of these threads.
constexpr std::size_t kServerThreads = 16;
constexpr std::size_t kRequestsPerConnection = 1'000'000'000;
constexpr time_t kIdleConnectionSeconds = 2;
constexpr int kListenBacklog = 128;

constexpr const char* kHost = "127.0.0.1";

}  // namespace

LocalBackend::LocalBackend(LocalBackendOptions options)
    : options_(std::move(options)), store_(options_.database), server_(std::make_unique<httplib::Server>()) {
    if (options_.capture_directory) {
        capture_ = std::make_unique<RequestCapture>(*options_.capture_directory);
    }
    if (options_.trace_output != nullptr) {
        printer_ = std::make_unique<TracePrinter>(store_, *options_.trace_output, options_.printing);
    }
}

LocalBackend::~LocalBackend() { stop(); }

void LocalBackend::start() {
    server_->new_task_queue = [] { return new httplib::ThreadPool(kServerThreads); };
    server_->set_keep_alive_max_count(kRequestsPerConnection);
    server_->set_keep_alive_timeout(kIdleConnectionSeconds);
    server_->set_tcp_nodelay(true);
    // The library's default also shares the port with other processes, which would halve what each of them
    // gets.
    int listening_socket = -1;
    server_->set_socket_options([&listening_socket](int socket) {
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        listening_socket = socket;
    });
    add_routes(*server_, {.store = store_,
                          .printer = printer_.get(),
                          .capture = capture_.get(),
                          .api_key = options_.api_key,
                          .maximum_body_bytes = options_.maximum_body_bytes,
                          .maximum_decompressed_bytes = options_.maximum_decompressed_bytes,
                          .prompt_scorers = options_.prompt_scorers});

    if (options_.port == 0) {
        port_ = server_->bind_to_any_port(kHost);
    } else {
        port_ = server_->bind_to_port(kHost, options_.port) ? options_.port : -1;
    }
    if (port_ <= 0) {
        port_ = 0;
        throw std::runtime_error{"cannot listen on " + std::string{kHost} + ":" +
                                 std::to_string(options_.port) + "; the port may be in use"};
    }
    ::listen(listening_socket,
             kListenBacklog);  // the library's own backlog of 5 stalls bursts of new connections
    server_thread_ = std::thread{[this] { server_->listen_after_bind(); }};
    while (!server_->is_running()) {
        std::this_thread::yield();  // the thread has but to start; stop() has no effect before
    }
    if (printer_) {
        printer_thread_ = std::thread{[this] { run_printer(); }};
    }
}

void LocalBackend::stop() {
    if (!server_thread_.joinable()) {
        return;
    }
    server_->stop();
    server_thread_.join();
    if (printer_) {
        {
            const std::lock_guard lock{mutex_};
            stopping_ = true;
        }
        stop_requested_.notify_all();
        printer_thread_.join();
        printer_->print_rest();
    }
}

std::string LocalBackend::url() const { return "http://" + std::string{kHost} + ":" + std::to_string(port_); }

void LocalBackend::run_printer() {
    constexpr std::chrono::milliseconds kTick{50};
    std::unique_lock lock{mutex_};
    while (!stop_requested_.wait_for(lock, kTick, [this] { return stopping_; })) {
        printer_->print_quiet(TracePrinter::Clock::now());
    }
}

}  // namespace judgeval::local
