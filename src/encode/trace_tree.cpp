// See trace_tree.hpp.
#include "encode/trace_tree.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "encode/json_view.hpp"

namespace judgeval::encode {
namespace {

constexpr std::size_t kMaximumLines = 400;
constexpr std::size_t kMaximumDepth = 60;
constexpr std::size_t kMaximumTextBytes = 160;

constexpr std::string_view kBold = "1";
constexpr std::string_view kDim = "2";
constexpr std::string_view kRed = "31";

/// Text as it may be shown on a terminal: C0 and C1 control characters escaped, long text cut between
/// characters.
std::string printable(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool starts_character = (byte & 0xC0U) != 0x80U;
        if (starts_character && result.size() >= kMaximumTextBytes) {
            return result + "…";
        }
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if (byte == '\n') {
            result += "\\n";
        } else if (byte == '\t') {
            result += "\\t";
        } else if (byte < 0x20U || byte == 0x7FU) {
            result += "\\x" + to_hex(text.substr(i, 1));
        } else if (byte == 0xC2U && next >= 0x80U && next < 0xA0U) {
            result += "\\x" + to_hex(text.substr(i + 1, 1));
            ++i;
        } else {
            result += text[i];
        }
    }
    return result;
}

std::string format_decimal(double value, std::string_view unit) {
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
    return std::string{buffer.data()} + " " + std::string{unit};
}

std::string format_duration(std::uint64_t nanoseconds) {
    const auto value = static_cast<double>(nanoseconds);
    if (nanoseconds < 1'000) {
        return std::to_string(nanoseconds) + " ns";
    }
    if (nanoseconds < 1'000'000) {
        return format_decimal(value / 1e3, "µs");
    }
    if (nanoseconds < 1'000'000'000) {
        return format_decimal(value / 1e6, "ms");
    }
    if (nanoseconds < 60'000'000'000) {
        return format_decimal(value / 1e9, "s");
    }
    return std::to_string(nanoseconds / 60'000'000'000) + " min " +
           std::to_string(nanoseconds / 1'000'000'000 % 60) + " s";
}

std::string_view text_of(const Span& span, std::string_view key) {
    const AnyValue* const value = find_attribute(span.attributes, key);
    const auto* const text = value == nullptr ? nullptr : std::get_if<std::string>(&value->value);
    return text == nullptr ? std::string_view{} : std::string_view{*text};
}

const std::int64_t* integer_of(const Span& span, std::string_view key) {
    const AnyValue* const value = find_attribute(span.attributes, key);
    return value == nullptr ? nullptr : std::get_if<std::int64_t>(&value->value);
}

std::string_view colour_of_kind(std::string_view kind) {
    if (kind == "agent") {
        return "35";
    }
    if (kind == "llm") {
        return "36";
    }
    if (kind == "tool") {
        return "33";
    }
    return "34";
}

std::string counted(std::size_t count, std::string_view noun) {
    return std::to_string(count) + " " + std::string{noun} + (count == 1 ? "" : "s");
}

class Drawing {
  public:
    Drawing(const TraceToDraw& trace, Colours colours) : trace_(trace), colours_(colours) {
        std::unordered_map<std::string_view, std::size_t> position;
        for (std::size_t i = 0; i < trace.spans.size(); ++i) {
            position.emplace(trace.spans[i]->span_id, i);
        }
        children_.resize(trace.spans.size());
        for (std::size_t i = 0; i < trace.spans.size(); ++i) {
            const Span& span = *trace.spans[i];
            if (span.is_root()) {
                roots_.push_back(i);
            } else if (const auto parent = position.find(span.parent_span_id); parent != position.end()) {
                children_[parent->second].push_back(i);
            } else {
                orphans_[span.parent_span_id].push_back(i);
            }
        }
        drawn_.resize(trace.spans.size(), false);
    }

    std::string draw() {
        draw_heading();
        for (const std::size_t root : roots_) {
            draw_span(root, "", "", 0);
        }
        for (const auto& [parent_id, orphans] : orphans_) {
            draw_placeholder("a span that has not arrived: " + to_hex(parent_id), orphans);
        }
        // What is left hangs on no root and no orphan, so its parents lead back to itself.
        for (std::size_t i = 0; i < drawn_.size(); ++i) {
            if (!drawn_[i]) {
                draw_placeholder("spans that are their own ancestors", {i});
            }
        }
        if (left_out_ > 0) {
            text_ += paint("… " + std::string{counted(left_out_, "more span")} + " not shown", kDim) + "\n";
        }
        return std::move(text_);
    }

  private:
    std::string paint(std::string_view text, std::string_view code) const {
        if (colours_ == Colours::off) {
            return std::string{text};
        }
        return "\x1b[" + std::string{code} + "m" + std::string{text} + "\x1b[0m";
    }

    void draw_heading() {
        std::size_t errors = 0;
        std::uint64_t start = UINT64_MAX;
        std::uint64_t end = 0;
        for (const Span* const span : trace_.spans) {
            errors += span->status.code == StatusCode::error ? 1U : 0U;
            start = std::min(start, span->start_time_unix_nano);
            end = std::max(end, span->end_time_unix_nano);
        }
        text_ += paint("trace " + to_hex(trace_.trace_id), kBold) + " · " + printable(trace_.name) + " · " +
                 counted(trace_.spans.size(), "span") + " · " +
                 format_duration(end > start ? end - start : 0);
        if (errors > 0) {
            text_ += " · " + paint(counted(errors, "error"), kRed);
        }
        text_ += "\n";
    }

    std::string describe(const Span& span) const {
        std::string line = paint(span.name.empty() ? "(no name)" : printable(span.name), kBold);
        if (const std::string_view kind = text_of(span, "judgment.span_kind"); !kind.empty()) {
            line += "  " + paint(printable(kind), colour_of_kind(kind));
        }
        if (span.end_time_unix_nano > span.start_time_unix_nano || !trace_.has_open_spans) {
            line += "  " + format_duration(span.end_time_unix_nano - span.start_time_unix_nano);
        } else {
            line += "  " + paint("still open", kDim);
        }
        if (const std::string_view model = text_of(span, "judgment.llm.model"); !model.empty()) {
            line += "  " + printable(model);
        }
        const std::int64_t* const input = integer_of(span, "judgment.usage.non_cached_input_tokens");
        const std::int64_t* const output = integer_of(span, "judgment.usage.output_tokens");
        if (input != nullptr && output != nullptr) {
            line += "  " + std::to_string(*input) + " → " + std::to_string(*output) + " tokens";
        }
        if (span.status.code == StatusCode::error) {
            std::string error = "✗ error";
            if (!span.status.message.empty()) {
                error += ": " + printable(span.status.message);
            }
            line += "  " + paint(error, kRed);
        }
        return line;
    }

    void draw_span(std::size_t index, const std::string& lead, const std::string& lead_below,
                   std::size_t depth) {
        if (drawn_[index]) {
            return;
        }
        if (lines_ >= kMaximumLines || depth > kMaximumDepth) {
            leave_out(index);
            return;
        }
        drawn_[index] = true;
        ++lines_;
        text_ += paint(lead, kDim) + describe(*trace_.spans[index]) + "\n";
        draw_children(children_[index], lead_below, depth);
    }

    void draw_children(const std::vector<std::size_t>& children, const std::string& lead, std::size_t depth) {
        for (std::size_t i = 0; i < children.size(); ++i) {
            const bool is_last = i + 1 == children.size();
            draw_span(children[i], lead + (is_last ? "└─ " : "├─ "), lead + (is_last ? "   " : "│  "),
                      depth + 1);
        }
    }

    void draw_placeholder(const std::string& text, const std::vector<std::size_t>& spans) {
        text_ += paint("(below " + text + ")", kDim) + "\n";
        draw_children(spans, "", 0);
    }

    /// Without recursion, as a chain of parents can be as long as a trace.
    void leave_out(std::size_t index) {
        std::vector<std::size_t> pending{index};
        while (!pending.empty()) {
            const std::size_t next = pending.back();
            pending.pop_back();
            if (!drawn_[next]) {
                drawn_[next] = true;
                ++left_out_;
                pending.insert(pending.end(), children_[next].begin(), children_[next].end());
            }
        }
    }

    const TraceToDraw& trace_;
    const Colours colours_;
    std::vector<std::size_t> roots_;
    std::vector<std::vector<std::size_t>> children_;
    std::map<std::string_view, std::vector<std::size_t>> orphans_;
    std::vector<bool> drawn_;
    std::size_t lines_ = 0;
    std::size_t left_out_ = 0;
    std::string text_;
};

}  // namespace

std::string draw_trace(const TraceToDraw& trace, Colours colours) { return Drawing{trace, colours}.draw(); }

}  // namespace judgeval::encode
