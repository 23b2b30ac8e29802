// Texts of others (a project's id, a scorer's name) as one segment of a URL's path, or one value in its
// query.
#pragma once

#include <string>

namespace judgeval::detail {

/// Percent-encoded as in RFC 3986, section 2: it takes no other meaning. Throws std::bad_alloc.
[[nodiscard]] std::string url_text(const std::string& text);

}  // namespace judgeval::detail
