// An HTTP agent server, traced, with a load of real requests on it.
//
// POST /chat takes a question as text and answers with text. By default the program puts its own server under
// load over HTTP, shows how fast it went and what became of the spans, and ends; with --serve it serves until
// it is told to stop. Exits with 0 only when every request was answered and every span was delivered.
#include <httplib.h>
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <judgeval/judgeval.hpp>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent.hpp"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Options {
    std::string api_url;
    std::size_t requests = 2000;
    std::size_t concurrency = 8;
    int port = 0;
    bool serve = false;
};

[[noreturn]] void refuse(const std::string& message) {
    std::cerr << "agent_server: " << message << "\nTry: agent_server --help\n";
    std::exit(2);
}

/// Ends the program when the options are wrong, or help is asked for.
Options parse(int argument_count, char** arguments) {
    Options options;
    CLI::App app{"agent_server answers questions over HTTP and traces how.", "agent_server"};
    app.add_option(
        "--api-url", options.api_url,
        "send spans there (default: JUDGMENT_API_URL, else the platform). Where the environment has "
        "no JUDGMENT_API_KEY and JUDGMENT_ORG_ID, stand-ins are used, which judgeval-local takes");
    app.add_option("--requests", options.requests, "how many requests to fire")
        ->check(CLI::Range(1, 100'000'000))
        ->capture_default_str();
    app.add_option("--concurrency", options.concurrency, "how many at a time")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--port", options.port, "listen on this port of 127.0.0.1; 0: the system chooses one")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str();
    app.add_flag("--serve", options.serve, "fire no requests; serve until SIGINT or SIGTERM");
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error) == 0 ? 0 : 2);
    }
    return options;
}

/// The environment's value, or `otherwise`.
std::string environment_or(const char* variable, const char* otherwise) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? value : otherwise;
}

judgeval::Tracer make_tracer(const Options& options) {
    judgeval::ClientOptions client{.project_name = "agent_server", .api_url = options.api_url};
    if (!options.api_url.empty()) {
        client.api_key = environment_or("JUDGMENT_API_KEY", "local-key");
        client.organization_id = environment_or("JUDGMENT_ORG_ID", "local-organization");
    }
    const judgeval::Judgeval judgeval(client);
    return judgeval.tracer.create({.resource_attributes = {{"service.name", "agent_server"}}});
}

/// The server on a thread of its own; stops when it goes.
class Server {
  public:
    Server(const judgeval::Tracer& tracer, const Options& options) : tracer_(tracer), agent_(tracer) {
        // A kept-alive connection holds a worker for as long as it lives.
        const std::size_t workers = std::max<std::size_t>(options.concurrency, 8) + 1;
        server_.new_task_queue = [workers] { return new httplib::ThreadPool(workers); };
        server_.set_keep_alive_max_count(static_cast<std::size_t>(-1));
        server_.set_keep_alive_timeout(2);  // seconds; as long as an idle client can hold up the end
        server_.set_tcp_nodelay(true);
        server_.set_payload_max_length(std::size_t{1} << 20U);
        server_.Post("/chat", [this](const httplib::Request& request, httplib::Response& response) {
            chat(request, response);
        });
        server_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
            response.set_content("ok\n", "text/plain; charset=utf-8");
        });
        if (options.port == 0) {
            port_ = server_.bind_to_any_port("127.0.0.1");
        } else if (server_.bind_to_port("127.0.0.1", options.port)) {
            port_ = options.port;
        }
        if (port_ <= 0) throw std::runtime_error("cannot listen on port " + std::to_string(options.port));
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        // stop() would be lost on a server that has not begun to listen.
        while (!server_.is_running()) std::this_thread::sleep_for(1ms);
    }
    ~Server() {
        server_.stop();
        thread_.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] int port() const { return port_; }

  private:
    void chat(const httplib::Request& request, httplib::Response& response) const {
        const auto span =
            tracer_.span("POST /chat", {.type = "function", .kind = judgeval::SpanKind::kServer});
        span.set_attribute("http.request.method", "POST");
        if (request.body.empty()) {
            response.status = 400;
            response.set_content("send a question as text\n", "text/plain; charset=utf-8");
        } else {
            response.status = 200;
            response.set_content(agent_.answer(request.body), "text/plain; charset=utf-8");
        }
        span.set_attribute("http.response.status_code", response.status);
    }

    judgeval::Tracer tracer_;
    Agent agent_;
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
};

struct Load {
    std::size_t answered = 0;
    std::size_t failed = 0;
    double seconds = 0;
    std::vector<Clock::duration> latencies;  ///< sorted
};

constexpr std::array<std::string_view, 8> kQuestions = {
    "What is the capital of France?",  "How is the weather in Lisbon?",
    "How long is the Danube?",         "What is the capital of Norway?",
    "How is the weather in Oslo?",     "Who painted the ceiling of my kitchen?",
    "What is the capital of Curaçao?", "How is the weather on the Moon?"};

Load fire_requests(int port, const Options& options) {
    std::cout << "firing " << options.requests << " requests, " << options.concurrency << " at a time"
              << std::endl;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    std::mutex mutex;
    Load load;
    // Connected one after another: cpp-httplib lets only a handful wait to be accepted, and more would be
    // turned away for a second, which has nothing to do with the agent.
    std::vector<std::unique_ptr<httplib::Client>> clients;
    for (std::size_t i = 0; i < options.concurrency; ++i) {
        auto& client = *clients.emplace_back(std::make_unique<httplib::Client>("127.0.0.1", port));
        client.set_keep_alive(true);
        client.set_tcp_nodelay(true);
        client.set_read_timeout(30s);
        if (!client.Get("/healthz")) throw std::runtime_error("the server does not answer");
    }
    const auto client_thread = [&](httplib::Client& client) {
        std::vector<Clock::duration> latencies;
        std::size_t failed = 0;
        for (std::size_t i = 0; (i = next++) < options.requests;) {
            const Clock::time_point sent = Clock::now();
            const auto answer =
                client.Post("/chat", std::string(kQuestions[i % kQuestions.size()]), "text/plain");
            if (answer && answer->status == 200 && !answer->body.empty()) {
                latencies.push_back(Clock::now() - sent);
            } else {
                ++failed;
            }
            const std::size_t now_done = ++done;
            if (now_done * 10 / options.requests != (now_done - 1) * 10 / options.requests) {
                const std::lock_guard lock(mutex);
                std::cout << "  " << now_done << " of " << options.requests << std::endl;
            }
        }
        const std::lock_guard lock(mutex);
        load.answered += latencies.size();
        load.failed += failed;
        load.latencies.insert(load.latencies.end(), latencies.begin(), latencies.end());
    };
    const Clock::time_point start = Clock::now();
    std::vector<std::thread> threads;
    for (auto& client : clients) threads.emplace_back([&client, &client_thread] { client_thread(*client); });
    for (auto& thread : threads) thread.join();
    load.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::sort(load.latencies.begin(), load.latencies.end());
    return load;
}

double milliseconds_at(const Load& load, double quantile) {
    if (load.latencies.empty()) return 0;
    const auto index = static_cast<std::size_t>(quantile * static_cast<double>(load.latencies.size() - 1));
    return std::chrono::duration<double, std::milli>(load.latencies[index]).count();
}

void print_load(const Load& load, const judgeval::Stats& stats) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(0) << "answered " << load.answered << " requests, " << load.failed
         << " failed, in " << std::setprecision(2) << load.seconds << " s: " << std::setprecision(0)
         << static_cast<double>(load.answered) / load.seconds << " requests/s, "
         << static_cast<double>(stats.started) / load.seconds << " spans/s\n"
         << std::setprecision(2) << "latency of a request: p50 " << milliseconds_at(load, 0.5) << " ms, p99 "
         << milliseconds_at(load, 0.99) << " ms\n";
    std::cout << text.str();
}

void print_row(std::string_view name, std::uint64_t value) {
    std::cout << "  " << std::left << std::setw(30) << name << std::right << std::setw(14) << value << '\n';
}

/// Shows the counters; false when a span is unaccounted for or was not delivered.
bool report(const judgeval::Stats& stats) {
    std::cout << "spans\n";
    print_row("started", stats.started);
    print_row("sent while open", stats.partial_emissions);
    print_row("exported", stats.exported);
    for (std::size_t i = 0; i < judgeval::kDropReasonCount; ++i) {
        const auto reason = static_cast<judgeval::DropReason>(i);
        print_row("dropped: " + std::string(judgeval::to_string(reason)), stats.dropped_by(reason));
    }
    print_row("in flight", stats.in_flight);
    std::cout << "on the wire\n";
    print_row("requests", stats.requests);
    print_row("of them retries", stats.retries);
    print_row("bytes before compression", stats.encoded_bytes);
    print_row("bytes sent", stats.sent_bytes);

    if (stats.started + stats.partial_emissions != stats.exported + stats.dropped_total() + stats.in_flight) {
        std::cout << "the counters do not add up: started + sent while open is not exported + dropped + in "
                     "flight\n";
        return false;
    }
    std::cout << "started + sent while open = exported + dropped + in flight\n";
    if (stats.dropped_total() != 0 || stats.in_flight != 0) {
        std::cout << "not every span was delivered\n";
        return false;
    }
    if (stats.started == 0) std::cout << "nothing was traced\n";
    return true;
}

int run(const Options& options) {
    // Blocked before the first thread starts, so that every thread inherits it and the signals wait for
    // sigwait.
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGTERM);
    if (options.serve) pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

    const judgeval::Tracer tracer = make_tracer(options);
    Load load;
    {
        const Server server(tracer, options);
        std::cout << "agent_server listening on http://127.0.0.1:" << server.port() << std::endl;
        if (options.serve) {
            int signal = 0;
            sigwait(&stop_signals, &signal);
            std::cout << "stopping" << std::endl;
        } else {
            load = fire_requests(server.port(), options);
        }
    }
    tracer.shutdown(30s);
    const judgeval::Stats stats = tracer.stats();
    if (!options.serve) print_load(load, stats);
    const bool is_delivered = report(stats);
    return is_delivered && load.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const Options options = parse(argument_count, arguments);
    try {
        return run(options);
    } catch (const judgeval::SetupError& error) {
        refuse(error.what());
    } catch (const std::exception& error) {
        std::cerr << "agent_server: " << error.what() << '\n';
        return 1;
    }
}
