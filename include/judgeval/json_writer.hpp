// JsonWriter: writes JSON straight into the open span it belongs to.
//
// Inputs and outputs that are not strings are recorded as JSON. The writer has no tree and no buffer of its
// own: what is written lands in the span's wire bytes (of an evaluation's example: in a text). It is made by
// the library and handed to a Serializer; only the thread that owns the span may use it, and only during that
// call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "judgeval/export.hpp"

namespace judgeval {

namespace detail {
struct OpenSpan;
}

/// Writes one JSON value (RFC 8259). Commas and colons come by themselves. Text that is not valid UTF-8 is
/// mended with U+FFFD; NaN and infinities, which JSON lacks, become null. When the span's size limit is
/// reached, the rest is left out and counted (Stats::truncated_values). Never throws.
class JUDGEVAL_API JsonWriter {
  public:
    explicit JsonWriter(detail::OpenSpan& span) noexcept;
    /// Appends to `text`, without a limit but memory.
    explicit JsonWriter(std::string& text) noexcept;
    JsonWriter(const JsonWriter&) = delete;
    JsonWriter& operator=(const JsonWriter&) = delete;

    void null() noexcept;
    void boolean(bool value) noexcept;
    void integer(std::int64_t value) noexcept;
    void unsigned_integer(std::uint64_t value) noexcept;
    void number(double value) noexcept;
    void string(std::string_view value) noexcept;
    void begin_object() noexcept;
    void key(std::string_view name) noexcept;
    void end_object() noexcept;
    void begin_array() noexcept;
    void end_array() noexcept;
    /// A value that is JSON already (for example the text of another library's serializer). Not checked.
    void raw(std::string_view json) noexcept;

    [[nodiscard]] bool was_truncated() const noexcept { return full_; }

  private:
    void separate() noexcept;
    void put(std::string_view bytes) noexcept;
    void quoted(std::string_view text) noexcept;

    detail::OpenSpan* span_;  ///< null: into the text
    std::string* text_ = nullptr;
    std::size_t bytes_left_;
    bool needs_comma_ = false;
    bool full_ = false;
};

}  // namespace judgeval
