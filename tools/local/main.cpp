// judgeval-local: the command line around LocalBackend. The main thread waits for a signal; everything else
// happens on the backend's threads.
#include <getopt.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "local/backend.hpp"

namespace {

using judgeval::local::Colours;
using judgeval::local::Counts;
using judgeval::local::LocalBackend;
using judgeval::local::LocalBackendOptions;

constexpr std::string_view kUsage =
    R"(judgeval-local takes traces as the Judgment platform does, on 127.0.0.1, and shows them.

Usage: judgeval-local [options]
  --port N                      listen on this port (default 0: the system chooses one)
  --database FILE               keep spans in this SQLite file (default: in memory)
  --api-key KEY                 accept this API key only (default: any)
  --print N                     print at most N trees of traces, 0 for none (default: all)
  --quiet-milliseconds N        a trace is printed when its root has ended and it was quiet this long (default 500)
  --capture DIRECTORY           write each trace request's decompressed body and headers to files
  --maximum-body-bytes N        largest body as sent (default 67108864)
  --maximum-decompressed-bytes N  largest body when decompressed (default 268435456)
  --help                        this text

Then set JUDGMENT_API_URL to the address it prints. Queries: /api/counts, /api/projects,
/api/traces?limit=N&offset=M&project=NAME, /api/traces/TRACE_ID, /healthz.
)";

constexpr int kWrongUsage = 2;

[[noreturn]] void refuse(const std::string& message) {
    std::cerr << "judgeval-local: " << message << "\nTry: judgeval-local --help\n";
    std::exit(kWrongUsage);
}

std::uint64_t number(const char* option, std::string_view text, std::uint64_t maximum) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > maximum) {
        refuse("--" + std::string{option} + " takes a number from 0 to " + std::to_string(maximum) +
               ", not \"" + std::string{text} + "\"");
    }
    return value;
}

LocalBackendOptions parse(int argument_count, char** arguments) {
    constexpr std::uint64_t kMaximumPort = 65535;
    constexpr std::uint64_t kMaximumQuietMilliseconds = 3'600'000;
    constexpr std::uint64_t kMaximumBytes = std::uint64_t{1} << 30U;
    static constexpr option kOptions[] = {{"port", required_argument, nullptr, 'p'},
                                          {"database", required_argument, nullptr, 'd'},
                                          {"api-key", required_argument, nullptr, 'k'},
                                          {"print", required_argument, nullptr, 'n'},
                                          {"quiet-milliseconds", required_argument, nullptr, 'q'},
                                          {"capture", required_argument, nullptr, 'c'},
                                          {"maximum-body-bytes", required_argument, nullptr, 'b'},
                                          {"maximum-decompressed-bytes", required_argument, nullptr, 'm'},
                                          {"help", no_argument, nullptr, 'h'},
                                          {nullptr, 0, nullptr, 0}};
    LocalBackendOptions options;
    options.trace_output = &std::cout;
    options.printing.colours = isatty(STDOUT_FILENO) == 1 ? Colours::on : Colours::off;
    int letter = 0;
    int index = 0;
    while ((letter = getopt_long(argument_count, arguments, "", kOptions, &index)) != -1) {
        switch (letter) {
            case 'p':
                options.port = static_cast<int>(number("port", optarg, kMaximumPort));
                break;
            case 'd':
                options.database = optarg;
                break;
            case 'k':
                options.api_key = optarg;
                break;
            case 'n':
                options.printing.maximum_trees = number("print", optarg, UINT64_MAX);
                break;
            case 'q':
                options.printing.quiet_time = std::chrono::milliseconds{
                    number("quiet-milliseconds", optarg, kMaximumQuietMilliseconds)};
                break;
            case 'c':
                options.capture_directory = optarg;
                break;
            case 'b':
                options.maximum_body_bytes = number("maximum-body-bytes", optarg, kMaximumBytes);
                break;
            case 'm':
                options.maximum_decompressed_bytes =
                    number("maximum-decompressed-bytes", optarg, kMaximumBytes);
                break;
            case 'h':
                std::cout << kUsage;
                std::exit(0);
            default:
                refuse("the option was not understood");
        }
    }
    if (optind < argument_count) {
        refuse("unexpected argument \"" + std::string{arguments[optind]} + "\"");
    }
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
