// The hot path against the official descriptors: the input is a programme of calls on spans; what these
// recorded, as the bytes that would be sent, is decoded by opentelemetry-proto in a Python process beside
// this one, which says whether it is what the model of the programme holds. One question and one answer for
// each input.
#include <fcntl.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "export/frame.hpp"
#include "record/span_programme.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

using nlohmann::json;

/// Numbers are taken from the end of the input, texts from its beginning.
class InputChoices {
  public:
    InputChoices(const std::uint8_t* data, std::size_t size) : input_(data, size) {}

    std::uint64_t below(std::uint64_t limit) {
        return input_.ConsumeIntegralInRange<std::uint64_t>(0, limit - 1);
    }
    std::uint64_t bits() { return input_.ConsumeIntegral<std::uint64_t>(); }
    std::string bytes(std::size_t size) {
        std::string text = input_.ConsumeBytesAsString(std::min(size, input_.remaining_bytes() / 4));
        text.resize(size, 'x');
        return text;
    }

  private:
    FuzzedDataProvider input_;
};

/// The process that decodes. It ends when this one does, since its input ends then.
class Descriptors {
  public:
    Descriptors() {
        ::signal(SIGPIPE, SIG_IGN);
        std::array<int, 2> questions{};
        std::array<int, 2> answers{};
        require(::pipe2(questions.data(), O_CLOEXEC) == 0 && ::pipe2(answers.data(), O_CLOEXEC) == 0,
                "a pipe opens");
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, questions[0], STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
        std::string python = JUDGEVAL_TEST_PYTHON;
        std::string script = JUDGEVAL_DECODE;
        std::array<char*, 3> arguments = {python.data(), script.data(), nullptr};
        pid_t child = 0;
        require(::posix_spawn(&child, python.c_str(), &actions, nullptr, arguments.data(), ::environ) == 0,
                "the tests' Python starts (tools/setup --tests makes it)");
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(questions[0]);
        ::close(answers[1]);
        questions_ = questions[1];
        answers_ = answers[0];
    }

    /// What is wrong with the request; empty when it says what is expected.
    std::string complaints(const std::string& expected, const std::string& request) {
        write_all(std::to_string(expected.size()) + " " + std::to_string(request.size()) + "\n");
        write_all(expected);
        write_all(request);
        std::string size;
        for (std::string byte = read_all(1); byte != "\n"; byte = read_all(1)) size += byte;
        return read_all(std::stoul(size));
    }

  private:
    void write_all(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t written = ::write(questions_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;  // libFuzzer's watch over the time of an input
            require(written > 0, "the process that decodes takes questions");
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    [[nodiscard]] std::string read_all(std::size_t size) const {
        std::string bytes(size, '\0');
        for (std::size_t at = 0; at < size;) {
            const ssize_t length = ::read(answers_, bytes.data() + at, size - at);
            if (length < 0 && errno == EINTR) continue;
            require(length > 0, "the process that decodes answers");
            at += static_cast<std::size_t>(length);
        }
        return bytes;
    }

    int questions_ = -1;
    int answers_ = -1;
};

// ---- the model as JSON: values bear their type; a text stands with each byte as one character, since it may
// be no UTF-8, which the other side mends by its own means ----

std::string characters(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        const auto code = static_cast<unsigned char>(byte);
        if (code < 0x80) {
            text += byte;
        } else {
            text += static_cast<char>(0xC0U | code >> 6U);
            text += static_cast<char>(0x80U | (code & 0x3FU));
        }
    }
    return text;
}

json typed(bool value) { return {{"bool", value}}; }
json typed(std::int64_t value) { return {{"integer", std::to_string(value)}}; }
json typed(double value) { return {{"double", std::to_string(std::bit_cast<std::uint64_t>(value))}}; }
json typed(const std::string& value) { return {{"string", characters(value)}}; }
template <typename Element>
json typed(const std::vector<Element>& elements) {
    json array = json::array();
    for (const Element& element : elements) array.push_back(typed(element));
    return {{"array", std::move(array)}};
}
json typed(const std::vector<bool>& elements) {
    json array = json::array();
    for (const bool element : elements) array.push_back(typed(element));
    return {{"array", std::move(array)}};
}
json typed(const test::Value& value) {
    return std::visit([](const auto& held) { return typed(held); }, value);
}
json typed(const test::Values& attributes) {
    json result = json::object();
    for (const auto& [key, value] : attributes) result[key] = typed(value);
    return result;
}

json expected(const test::SpanModel& model) {
    json attributes = typed(model.attributes);
    attributes["judgment.span_kind"] = typed(model.type);
    attributes["judgment.update_id"] = typed(std::int64_t{0});
    json events = json::array();
    for (const test::EventModel& event : model.events) {
        events.push_back({{"name", characters(event.name)},
                          {"attributes", typed(event.attributes)},
                          {"dropped_attributes", event.dropped_attributes}});
    }
    json links = json::array();
    for (const test::LinkModel& link : model.links) {
        const unsigned flags = link.linked.trace_flags | 0x100U | (link.linked.is_remote ? 0x200U : 0U);
        links.push_back({{"trace_id", link.linked.trace_id.to_hex()},
                         {"span_id", link.linked.span_id.to_hex()},
                         {"trace_state", link.linked.trace_state},
                         {"flags", flags},
                         {"attributes", typed(link.attributes)},
                         {"dropped_attributes", link.dropped_attributes}});
    }
    return {
        {"trace_id", model.self.trace_id.to_hex()},
        {"span_id", model.self.span_id.to_hex()},
        {"parent_span_id", model.parent.is_valid() ? model.parent.to_hex() : ""},
        {"trace_state", ""},
        {"name", characters(model.name)},
        {"kind", static_cast<int>(model.kind)},
        {"flags", 0x101},
        {"attributes", std::move(attributes)},
        {"dropped_attributes", model.dropped_attributes},
        {"events", std::move(events)},
        {"dropped_events", model.dropped_events},
        {"links", std::move(links)},
        {"dropped_links", model.dropped_links},
        {"status", {{"code", static_cast<int>(model.status)}, {"message", characters(model.description)}}}};
}

void check(InputChoices& choices) {
    static Descriptors descriptors;
    test::RecorderOptions options;
    options.memory_budget_bytes = std::size_t{8} << 20U;  // plenty for what so short an input can say
    if (choices.below(3) == 1) options.limits.attribute_count = 8;
    if (choices.below(3) == 1) options.limits.event_count = options.limits.link_count = 2;
    if (choices.below(3) == 1) options.limits.attribute_value_bytes = 32 + choices.below(100);
    test::Recorder recorder(options);
    test::SpanProgramme programme(choices, recorder, options.limits);
    programme.run();
    json spans = json::array();
    for (const test::SpanModel& model : programme.models()) spans.push_back(expected(model));
    const std::string records = programme.records() + recorder.take_records();
    const std::string request =
        detail::Frame({{"service.name", "fuzz"}}, "judgeval", "0").before(records.size()) + records;
    const std::string complaints = descriptors.complaints(
        json{{"most_bytes", options.limits.attribute_value_bytes}, {"spans", std::move(spans)}}.dump(),
        request);
    require(complaints.empty(), complaints);
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    // what the recorder expects ends the process, too
    testing::GTEST_FLAG(break_on_failure) = true;
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    judgeval::fuzz::InputChoices choices(data, size);
    judgeval::fuzz::check(choices);
    return 0;
}
