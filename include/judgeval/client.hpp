// Judgeval: the client, from which tracers are made.
//
// Holds who is tracing (project, organization, key, platform URL). Reads the environment once, in its
// constructor.
#pragma once

#include <initializer_list>
#include <memory>
#include <utility>

#include "judgeval/evaluation.hpp"
#include "judgeval/offline_tracer.hpp"
#include "judgeval/tracer.hpp"

namespace judgeval {
inline namespace JUDGEVAL_MODE {

/// Makes tracers: `auto tracer = client.tracer.create();`
class TracerFactory {
  public:
    /// Makes a tracer with its own pipeline. Without credentials its spans go to the endpoint of
    /// OTEL_EXPORTER_OTLP_* (docs/options.md). With monitoring off (the option, JUDGMENT_MONITORING=false,
    /// OTEL_SDK_DISABLED=true, or neither credentials nor endpoint, which is warned about once) no thread,
    /// socket or memory pool exists behind it, and its spans cost a load and a branch. Throws SetupError for
    /// an invalid option. Thread-safe.
    [[nodiscard]] Tracer create([[maybe_unused]] TracerOptions options = {}) const {
        if constexpr (detail::kCompiledIn) {
            return Tracer(detail::make_tracer(*client_, std::move(options)));
        } else {
            return {};
        }
    }

    /// Makes a tracer for experiments: see OfflineTracer. Each of its examples has these fields; their values
    /// are serialized at once. It sends to Judgment or, where options.exporter says so, into a file, never to
    /// OTEL_EXPORTER_OTLP_*. Else as create().
    [[nodiscard]] OfflineTracer create_offline(
        [[maybe_unused]] std::initializer_list<ExampleField> example_fields = {},
        [[maybe_unused]] TracerOptions options = {}) const {
        OfflineTracer made;
        if constexpr (detail::kCompiledIn) {
            made.examples_ = detail::make_offline_examples(Example::create(example_fields).data());
            static_cast<Tracer&>(made) =
                Tracer(detail::make_tracer(*client_, std::move(options), made.examples_));
        }
        return made;
    }

  private:
    friend class Judgeval;
    std::shared_ptr<detail::ClientState> client_;
};

class Judgeval {
  public:
    /// Throws SetupError for a malformed URL or a value that cannot stand in an HTTP header. Does no I/O.
    explicit Judgeval([[maybe_unused]] ClientOptions options = {}) {
        if constexpr (detail::kCompiledIn) {
            tracer.client_ = detail::make_client(std::move(options));
            scorers.prompt_scorer.client_ = tracer.client_;
        }
    }

    TracerFactory tracer;
    Scorers scorers;
};

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
