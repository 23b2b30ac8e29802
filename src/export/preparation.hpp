// A request that must be answered before spans can be sent, such as one that finds a project's id.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "export/transport.hpp"

namespace judgeval::detail {

struct Preparation {
    HttpRequest request;
    /// The headers to add to every export request; or, as a std::string, why the answer (200) cannot be used.
    std::function<std::variant<std::vector<std::string>, std::string>(const HttpResponse&)> finish;
};

}  // namespace judgeval::detail
