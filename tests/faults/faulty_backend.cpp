// See faulty_backend.hpp.
#include "faults/faulty_backend.hpp"

#include <httplib.h>
#include <sys/socket.h>

#include <stdexcept>

#include "encode/flatbuffers_reader.hpp"
#include "encode/otlp_reader.hpp"
#include "local/body_decoder.hpp"

namespace judgeval::faults {

namespace {
constexpr std::size_t kServerThreads = 16;
constexpr std::size_t kBodyMost = std::size_t{256} << 20U;
}  // namespace

FaultyBackend::FaultyBackend(FaultyBackendOptions options)
    : options_(std::move(options)),
      script_(options_.script.begin(), options_.script.end()),
      platform_script_(options_.platform_script.begin(), options_.platform_script.end()) {
    if (options_.certificate != nullptr) {
        auto server = std::make_unique<httplib::SSLServer>(options_.certificate->certificate(),
                                                           options_.certificate->private_key());
        if (options_.is_tls_old) {
            SSL_CTX_set_min_proto_version(server->ssl_context(), TLS1_VERSION);
            SSL_CTX_set_max_proto_version(server->ssl_context(), TLS1_1_VERSION);
        }
        server_ = std::move(server);
    } else {
        server_ = std::make_unique<httplib::Server>();
    }
    server_->new_task_queue = [] { return new httplib::ThreadPool(kServerThreads); };
    server_->set_keep_alive_timeout(1);
    server_->set_socket_options([](socket_t socket) {
        const int yes = 1;
        ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        // Inherited by the connections: one that is closed early is reset.
        const linger at_once{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    });
    for (const auto& [name, script] : options_.project_scripts) {
        project_scripts_[name] = {script.begin(), script.end()};
    }
    server_->Post(
        "/v1/projects/resolve/",
        [this](const httplib::Request& request, httplib::Response& response) { resolve(request, response); });
    server_->Post("/otel/v1/traces", [this](const httplib::Request& request, httplib::Response& response) {
        take(request, response);
    });
    server_->Post("/v1/projects/project/.*",
                  [this](const httplib::Request& request, httplib::Response& response) {
                      take_platform_request(request, response);
                  });
    server_->Get("/v1/projects/project/.*",
                 [this](const httplib::Request& request, httplib::Response& response) {
                     take_platform_request(request, response);
                 });
    if (options_.port == 0) {
        port_ = server_->bind_to_any_port("127.0.0.1");
    } else {
        port_ = server_->bind_to_port("127.0.0.1", options_.port) ? options_.port : -1;
    }
    if (port_ <= 0) throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(options_.port));
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) std::this_thread::yield();  // stop() has no effect before
}

void FaultyBackend::release() {
    {
        const std::lock_guard lock(mutex_);
        is_released_ = true;
    }
    stops_.notify_all();
}

FaultyBackend::~FaultyBackend() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    stops_.notify_all();
    server_->stop();
    thread_.join();
}

std::string FaultyBackend::url() const {
    return (options_.certificate != nullptr ? "https://localhost:" : "http://127.0.0.1:") +
           std::to_string(port_);
}

std::vector<ReceivedRequest> FaultyBackend::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::vector<std::pair<std::string, std::string>> FaultyBackend::platform_requests() const {
    const std::lock_guard lock(mutex_);
    return platform_requests_;
}

std::multiset<std::string> FaultyBackend::acknowledged_spans() const {
    const std::lock_guard lock(mutex_);
    return acknowledged_;
}

std::vector<encode::Span> FaultyBackend::kept_spans() const {
    const std::lock_guard lock(mutex_);
    return kept_spans_;
}

std::map<std::string, std::size_t> FaultyBackend::acknowledged_traces() const {
    const std::lock_guard lock(mutex_);
    return traces_;
}

void FaultyBackend::take(const httplib::Request& request, httplib::Response& response) {
    Fault fault = options_.afterwards;
    {
        const std::lock_guard lock(mutex_);
        const std::string length = request.get_header_value("Content-Length");
        requests_.push_back({std::chrono::system_clock::now(), request.get_header_value("Content-Encoding"),
                             request.get_header_value("Authorization"),
                             static_cast<std::size_t>(std::stoull(length.empty() ? "0" : length))});
        if (requests_.back().body_bytes > options_.body_most) {
            fault = {.status = 413};
        } else if (!script_.empty()) {
            fault = script_.front();
            script_.pop_front();
        }
    }
    const bool is_taken =
        fault.status / 100 == 2 && fault.how != Fault::How::kResets && fault.how != Fault::How::kHangs;
    if (is_taken) remember_spans(request);
    answer(fault, response);
}

void FaultyBackend::resolve(const httplib::Request& request, httplib::Response& response) {
    std::string id = "project";
    std::optional<Fault> fault;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [name, script] : project_scripts_) {
            if (request.body != R"({"project_name":")" + name + R"("})") continue;
            id = "id of " + name;
            if (script.empty()) continue;
            fault = script.front();
            script.pop_front();
        }
    }
    if (fault) return answer(*fault, response);
    response.set_content(R"({"project_id": ")" + id + R"("})", "application/json");
}

void FaultyBackend::take_platform_request(const httplib::Request& request, httplib::Response& response) {
    Fault fault = options_.platform_afterwards;
    {
        const std::lock_guard lock(mutex_);
        platform_requests_.emplace_back(request.path, request.body);
        if (!platform_script_.empty()) {
            fault = platform_script_.front();
            platform_script_.pop_front();
        }
    }
    answer(fault, response);
}

void FaultyBackend::answer(const Fault& fault, httplib::Response& response) {
    response.status = fault.status;
    for (const auto& [name, value] : fault.headers) response.set_header(name, value);
    switch (fault.how) {
        case Fault::How::kAnswers:
            response.set_content(fault.body, "application/x-protobuf");
            return;
        case Fault::How::kResets:
            response.set_content_provider(100'000, "application/x-protobuf",
                                          [](std::size_t offset, std::size_t, httplib::DataSink& sink) {
                                              const std::string bytes(1000, ' ');
                                              return offset == 0 && sink.write(bytes.data(), bytes.size());
                                          });
            return;
        case Fault::How::kHangs: {
            std::unique_lock lock(mutex_);
            stops_.wait(lock, [this] { return is_stopping_; });
            return;
        }
        case Fault::How::kIsHeld: {
            {
                std::unique_lock lock(mutex_);
                stops_.wait(lock, [this] { return is_released_ || is_stopping_; });
            }
            response.set_content(fault.body, "application/json");
            return;
        }
        case Fault::How::kNeverEnds:
            response.set_chunked_content_provider("application/x-protobuf", [this](std::size_t,
                                                                                   httplib::DataSink& sink) {
                const std::string bytes(4096, ' ');
                return goes_on_for(std::chrono::milliseconds(0)) && sink.write(bytes.data(), bytes.size());
            });
            return;
        case Fault::How::kDrips:
            response.set_content_provider(
                100, "application/x-protobuf", [this](std::size_t, std::size_t, httplib::DataSink& sink) {
                    // an empty message of a field that nobody knows, byte by byte
                    return goes_on_for(std::chrono::milliseconds(2)) && sink.write("\x08", 1);
                });
            return;
    }
}

void FaultyBackend::remember_spans(const httplib::Request& request) {
    // The server has undone gzip already.
    std::string encoding = request.get_header_value("Content-Encoding");
    if (encoding == "gzip") encoding.clear();
    const auto decoded = local::decode_body(encoding, request.body, kBodyMost);
    const bool is_flatbuffers = request.get_header_value("Content-Type") == encode::kFlatBuffersContentType;
    const auto read =
        is_flatbuffers ? encode::read_flatbuffers(decoded.bytes) : encode::read_trace_request(decoded.bytes);
    if (!read.message) return;
    const std::lock_guard lock(mutex_);
    for (const auto& resource : read.message->resource_spans) {
        for (const auto& scope : resource.scope_spans) {
            for (const auto& span : scope.spans) {
                acknowledged_.insert(span.span_id);
                if (options_.keeps_spans) kept_spans_.push_back(span);
                ++traces_[span.trace_id];
            }
        }
    }
}

bool FaultyBackend::goes_on_for(std::chrono::milliseconds duration) {
    std::unique_lock lock(mutex_);
    return !stops_.wait_for(lock, duration, [this] { return is_stopping_; });
}

}  // namespace judgeval::faults
