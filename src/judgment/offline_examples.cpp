// See the header.
#include "judgment/offline_examples.hpp"

#include <exception>
#include <utility>

namespace judgeval::detail {

std::mutex& OfflineExamples::mutex() noexcept {
    static constinit std::mutex mutex;
    return mutex;
}

void OfflineExamples::add(const TraceId& trace_id) noexcept try {
    ExampleData example = every_;
    identify(example);
    const std::string text = trace_id.to_hex();
    set_field(
        example, "offline_trace_id",
        [](const void* value, JsonWriter& json) { json.string(*static_cast<const std::string*>(value)); },
        &text);
    const std::lock_guard lock(mutex());
    examples_.push_back(std::move(example));
} catch (const std::exception&) {  // no memory
}

std::vector<ExampleData> OfflineExamples::take() noexcept {
    const std::lock_guard lock(mutex());
    return std::exchange(examples_, {});
}

std::shared_ptr<OfflineExamples> make_offline_examples(ExampleData every) {
    return std::make_shared<OfflineExamples>(std::move(every));
}

std::vector<ExampleData> take_examples(OfflineExamples& examples) noexcept { return examples.take(); }

}  // namespace judgeval::detail
