// Undoes the content coding of a request body: identity, gzip (RFC 1952, several members) and zstd (RFC 8878,
// several frames). Runs on the thread that serves the request. The size that comes out is limited while it
// comes out, so that a small body cannot unfold into all of the memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace judgeval::local {

enum class BodyOutcome { decoded, malformed, too_large, unknown_encoding };

struct DecodedBody {
    BodyOutcome outcome = BodyOutcome::decoded;
    std::string bytes;  ///< what came out; not all of it unless decoded
    std::string error;  ///< what is wrong, for the sender; empty when decoded
};

/// `content_encoding` is the value of the header, in any case; empty means identity. Does not throw, except
/// std::bad_alloc.
DecodedBody decode_body(std::string_view content_encoding, std::string body, std::size_t maximum_bytes);

}  // namespace judgeval::local
