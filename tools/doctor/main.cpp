// judgeval-doctor: the command line around the examination.
#include <CLI/CLI.hpp>
#include <chrono>
#include <exception>
#include <iostream>

#include "doctor/doctor.hpp"

namespace {
constexpr int kSomethingFailed = 1;
constexpr int kWrongUsage = 2;
}  // namespace

int main(int argument_count, char** arguments) {
    judgeval::doctor::DoctorOptions options;
    std::int64_t seconds = options.timeout.count();
    CLI::App app{"judgeval-doctor finds out why spans do not arrive, in the environment it is run in.",
                 "judgeval-doctor"};
    app.add_option("--project", options.project_name, "the project's name")->capture_default_str();
    app.add_option("--ca-file", options.ca_file,
                   "PEM bundle to verify the server with (default: the system's)")
        ->check(CLI::ExistingFile);
    app.add_option("--timeout", seconds, "seconds for each step")
        ->check(CLI::Range(1, 600))
        ->capture_default_str();
    app.footer(
        "Credentials come from JUDGMENT_API_KEY and JUDGMENT_ORG_ID and are never printed. Exits with 0 when "
        "all is well,\n"
        "with 1 when a step failed.");
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kWrongUsage;
    }
    options.timeout = std::chrono::seconds(seconds);
    try {
        const int failures = judgeval::doctor::examine(options, std::cout);
        std::cout << std::flush;
        return failures == 0 && std::cout ? 0 : kSomethingFailed;
    } catch (const std::exception& error) {
        std::cerr << "judgeval-doctor: " << error.what() << '\n';
        return kSomethingFailed;
    }
}
