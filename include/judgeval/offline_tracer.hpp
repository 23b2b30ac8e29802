// OfflineTracer: a tracer for experiments, whose traces stay out of the project's live monitoring and become
// the examples of a dataset.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "judgeval/evaluation.hpp"
#include "judgeval/tracer.hpp"

namespace judgeval {

namespace detail {

/// The examples of an offline tracer; any thread adds and takes.
class OfflineExamples;
[[nodiscard]] JUDGEVAL_API std::shared_ptr<OfflineExamples> make_offline_examples(ExampleData every);
[[nodiscard]] JUDGEVAL_API std::vector<ExampleData> take_examples(OfflineExamples& examples) noexcept;

}  // namespace detail

inline namespace JUDGEVAL_MODE {

/// Made by client.tracer.create_offline(). It traces like any Tracer, with two differences: its spans go to
/// {api}/otel/v1/offline-traces, with the resource attribute judgment.offline = "true"; and the end of each
/// root span (one without a parent) adds an example, which has the fields given to create_offline() and
/// `offline_trace_id`, the trace's id. Of a trace that is not recorded there is none.
class OfflineTracer : public Tracer {
  public:
    /// Belongs to no client: records nothing.
    OfflineTracer() = default;

    /// The examples since this was called last, in the order in which their roots ended; they stay in memory
    /// until then. None when there is no memory for them. Thread-safe.
    [[nodiscard]] std::vector<Example> take_examples() const {
        std::vector<Example> taken;
        if constexpr (detail::kCompiledIn) {
            if (!examples_) return taken;
            for (auto& data : detail::take_examples(*examples_)) {
                taken.emplace_back().data_ = std::move(data);
            }
        }
        return taken;
    }

  private:
    friend class TracerFactory;
    std::shared_ptr<detail::OfflineExamples> examples_;
};

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
