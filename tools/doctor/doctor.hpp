// What keeps spans from arriving: one step after the other, from the environment to a span that is sent, each
// with its fix. Reads the environment as the library does. One thread.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace judgeval::doctor {

struct DoctorOptions {
    std::string project_name = "default_project";
    std::string ca_file;  ///< PEM bundle, as pipeline.ca_file; empty: the system's
    std::chrono::seconds timeout{10};
};

/// Prints a line a step, and a second one with the fix where it failed; a step that needs one that failed is
/// left out. Returns how many failed. No secret of the environment is printed, whatever a backend answers.
int examine(const DoctorOptions& options, std::ostream& output);

}  // namespace judgeval::doctor
