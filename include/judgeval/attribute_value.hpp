// AttributeValue: a borrowed view of a value on its way into a span.
//
// Booleans, every integer and floating type, strings and homogeneous arrays of them are recorded as what they
// are (opentelemetry/proto/common/v1/common.proto, AnyValue); anything else goes through its Serializer and
// becomes a JSON string. A view lives for the call it is passed to, on the calling thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ranges>
#include <string_view>
#include <type_traits>

#include "judgeval/detail/open_span.hpp"
#include "judgeval/serializer.hpp"
#include "judgeval/text.hpp"

namespace judgeval {

namespace detail {

/// Takes the elements of an array attribute.
class JUDGEVAL_API ArrayWriter {
  public:
    explicit ArrayWriter(OpenSpan& span) noexcept : span_(&span) {}
    void append(bool value) noexcept;
    void append(std::int64_t value) noexcept;
    void append(double value) noexcept;
    void append(std::string_view value) noexcept;
    [[nodiscard]] bool was_truncated() const noexcept { return full_; }

  private:
    OpenSpan* span_;
    bool full_ = false;
};

template <typename T>
concept NumberOrBool = std::integral<T> || std::floating_point<T>;

template <typename T>
concept PrimitiveArray =
    !StringLike<T> && std::ranges::input_range<const T> && !MapLike<T> &&
    (NumberOrBool<std::ranges::range_value_t<const T>> || StringLike<std::ranges::range_value_t<const T>>);

template <typename T>
concept FitsSigned = std::integral<T> && !(std::unsigned_integral<T> && sizeof(T) >= sizeof(std::int64_t));

}  // namespace detail

/// Implicitly made from any value; see the file's first paragraph. An unsigned integer above 2^63 - 1, which
/// OTLP cannot carry as an integer, is recorded as a decimal string.
class AttributeValue {
  public:
    enum class Type : std::uint8_t { kBool, kInteger, kDouble, kString, kArray, kJson };
    using WriteArray = void (*)(const void* object, detail::ArrayWriter& writer);
    using WriteJson = void (*)(const void* object, JsonWriter& writer);

    template <std::size_t N>
    AttributeValue(const char (&literal)[N]) noexcept
        : type_(Type::kString), text_(std::string_view(literal, N - 1)) {}
    template <std::size_t N>
    AttributeValue(char (&buffer)[N]) noexcept : type_(Type::kString), text_(buffer) {}

    template <typename T>
    requires(!std::is_array_v<T> || !std::is_same_v<std::remove_all_extents_t<T>, char>)
        AttributeValue(const T& value)
    noexcept {
        if constexpr (std::is_same_v<T, bool>) {
            type_ = Type::kBool;
            integer_ = value ? 1 : 0;
        } else if constexpr (detail::FitsSigned<T>) {
            type_ = Type::kInteger;
            integer_ = static_cast<std::int64_t>(value);
        } else if constexpr (std::integral<T>) {
            if (value <= static_cast<T>(std::numeric_limits<std::int64_t>::max())) {
                type_ = Type::kInteger;
                integer_ = static_cast<std::int64_t>(value);
            } else {
                type_ = Type::kJson;
                object_ = &value;
                write_json_ = [](const void* object, JsonWriter& json) {
                    json.unsigned_integer(*static_cast<const T*>(object));
                };
            }
        } else if constexpr (std::floating_point<T>) {
            type_ = Type::kDouble;
            double_ = static_cast<double>(value);
        } else if constexpr (detail::StringLike<T>) {
            type_ = Type::kString;
            text_ = Text(value);
        } else if constexpr (detail::PrimitiveArray<T>) {
            type_ = Type::kArray;
            object_ = &value;
            write_array_ = [](const void* object, detail::ArrayWriter& writer) {
                using Element = std::ranges::range_value_t<const T>;
                for (auto&& element : *static_cast<const T*>(object)) {
                    if constexpr (std::is_same_v<Element, bool>) {
                        writer.append(static_cast<bool>(element));
                    } else if constexpr (detail::FitsSigned<Element>) {
                        writer.append(static_cast<std::int64_t>(element));
                    } else if constexpr (std::integral<Element>) {
                        // keeps the array homogeneous: what does not fit is cut to the largest value that
                        // does
                        constexpr auto kMost = static_cast<Element>(std::numeric_limits<std::int64_t>::max());
                        writer.append(static_cast<std::int64_t>(element < kMost ? element : kMost));
                    } else if constexpr (std::floating_point<Element>) {
                        writer.append(static_cast<double>(element));
                    } else {
                        writer.append(Text(element).view());
                    }
                }
            };
        } else {
            type_ = Type::kJson;
            object_ = &value;
            write_json_ = [](const void* object, JsonWriter& json) {
                detail::write_json(json, *static_cast<const T*>(object));
            };
        }
    }

    /// Text that may be a literal, with what is known of it.
    [[nodiscard]] static AttributeValue text(const Text& value) noexcept {
        AttributeValue made(false);
        made.type_ = Type::kString;
        made.text_ = value;
        return made;
    }

    /// `value` as JSON text, whatever its type.
    template <typename T>
    [[nodiscard]] static AttributeValue json(const T& value) noexcept {
        AttributeValue made(false);
        made.type_ = Type::kJson;
        made.object_ = &value;
        made.write_json_ = [](const void* object, JsonWriter& json) {
            detail::write_json(json, *static_cast<const T*>(object));
        };
        return made;
    }

    [[nodiscard]] Type type() const noexcept { return type_; }
    [[nodiscard]] std::int64_t integer() const noexcept { return integer_; }
    [[nodiscard]] double floating() const noexcept { return double_; }
    [[nodiscard]] const Text& text() const noexcept { return text_; }
    void write_array(detail::ArrayWriter& writer) const { write_array_(object_, writer); }
    void write_json(JsonWriter& writer) const { write_json_(object_, writer); }

  private:
    Type type_ = Type::kBool;
    std::int64_t integer_ = 0;
    double double_ = 0;
    Text text_;
    const void* object_ = nullptr;
    WriteArray write_array_ = nullptr;
    WriteJson write_json_ = nullptr;
};

/// One attribute in a list of them: `{"order_total", 99.99}`.
struct Attribute {
    Key key;
    AttributeValue value;
};

}  // namespace judgeval
