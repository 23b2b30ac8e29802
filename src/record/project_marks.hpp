// Where a span names a project by its id, and what stands there while the id is not known: the project's
// name, with NUL bytes behind it, so that the id never needs more room.
//
// Written on the calling thread; the exporter puts the ids in (export/project_overrides.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace judgeval::detail {

/// Which project a span goes to, when not to its tracer's: the project's id. Its name is written as
/// AnyValue.bytes_value, which nothing else here is.
inline constexpr std::string_view kProjectOverrideKey = "judgment.project_id_override";
/// A trace evaluation: JSON that begins with the id of the project, which is where the name stands, in place
/// of a JSON string. No other JSON has NUL bytes.
inline constexpr std::string_view kPendingEvaluationKey = "judgment.pending_trace_eval";
inline constexpr std::string_view kPendingEvaluationHead = R"({"project_id":)";

/// No id is longer: others are not accepted from the platform.
inline constexpr std::size_t kProjectIdMost = 128;

inline std::string padded_project_name(std::string name, std::size_t room) {
    name.resize(std::max(name.size(), room), '\0');
    return name;
}
/// An empty name stands for the tracer's own project. An id as a JSON string has two quotes, and may have a
/// backslash before each character.
inline std::string name_for_evaluation(const std::string& name) {
    return padded_project_name(name, std::max(2 + 2 * kProjectIdMost, name.size() + 1));
}

}  // namespace judgeval::detail
