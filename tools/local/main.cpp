// judgeval-local: the command line around LocalBackend. The main thread waits for a signal; everything else
// happens on the backend's threads.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "local/backend.hpp"

namespace {

using judgeval::local::Colours;
using judgeval::local::Counts;
using judgeval::local::LocalBackend;
using judgeval::local::LocalBackendOptions;

constexpr int kWrongUsage = 2;

/// Ends the program when the options are wrong, or help is asked for.
LocalBackendOptions parse(int argument_count, char** arguments) {
    constexpr std::uint64_t kMaximumBytes = std::uint64_t{1} << 30U;
    LocalBackendOptions options;
    options.trace_output = &std::cout;
    options.printing.colours = isatty(STDOUT_FILENO) == 1 ? Colours::on : Colours::off;
    std::int64_t quiet_milliseconds = options.printing.quiet_time.count();

    CLI::App app{"judgeval-local takes traces as the Judgment platform does, on 127.0.0.1, and shows them.",
                 "judgeval-local"};
    app.add_option("--port", options.port, "listen on this port; 0: the system chooses one")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str();
    app.add_option("--database", options.database, "keep spans in this SQLite file")->capture_default_str();
    app.add_option("--api-key", options.api_key, "accept this API key only (default: any)");
    std::vector<std::string> prompt_scorers;
    app.add_option("--prompt-scorer", prompt_scorers, "a prompt scorer that every project has; repeatable")
        ->type_name("NAME=PROMPT")
        ->allow_extra_args(false)
        ->check([](const std::string& text) {
            const auto equals = text.find('=');
            return equals == 0 || equals == std::string::npos ? "it must be NAME=PROMPT" : std::string();
        });
    app.add_option("--print", options.printing.maximum_trees,
                   "print at most so many trees of traces, 0 for none (default: all)")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--quiet-milliseconds", quiet_milliseconds,
                   "a trace is printed when its root has ended and it was quiet this long")
        ->check(CLI::Range(0, 3'600'000))
        ->capture_default_str();
    app.add_option("--capture", options.capture_directory,
                   "write each request's decompressed body and headers to files in this directory")
        ->type_name("DIRECTORY");
    app.add_option("--maximum-body-bytes", options.maximum_body_bytes, "largest body as sent")
        ->check(CLI::Range(std::uint64_t{0}, kMaximumBytes))
        ->capture_default_str();
    app.add_option("--maximum-decompressed-bytes", options.maximum_decompressed_bytes,
                   "largest body when decompressed")
        ->check(CLI::Range(std::uint64_t{0}, kMaximumBytes))
        ->capture_default_str();
    app.footer(
        "Then set JUDGMENT_API_URL to the address it prints. Queries: /api/counts, /api/projects,\n"
        "/api/traces?limit=N&offset=M&project=NAME, /api/traces/TRACE_ID,\n"
        "/api/platform-requests?limit=N&offset=M, /healthz.");
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error) == 0 ? 0 : kWrongUsage);
    }
    for (const std::string& scorer : prompt_scorers) {
        const auto equals = scorer.find('=');
        options.prompt_scorers[scorer.substr(0, equals)] =
            nlohmann::json{{"prompt", scorer.substr(equals + 1)}, {"threshold", 0.5}}.dump(
                -1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    options.printing.quiet_time = std::chrono::milliseconds{quiet_milliseconds};
    return options;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const LocalBackendOptions options = parse(argument_count, arguments);

    // Blocked before the first thread starts, so that every thread inherits it and the signals wait for
    // sigwait.
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

    try {
        LocalBackend backend{options};
        backend.start();
        std::cout << "judgeval-local listening on " << backend.url() << std::endl;
        int signal = 0;
        sigwait(&stop_signals, &signal);
        backend.stop();
        const Counts counts = backend.counts();
        std::cout << "judgeval-local took " << counts.spans << " spans of " << counts.traces << " traces ("
                  << counts.receptions << " receptions, " << counts.requests << " requests, " << counts.bytes
                  << " bytes)" << std::endl;
    } catch (const std::exception& error) {
        std::cerr << "judgeval-local: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
