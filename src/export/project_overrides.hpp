// Projects by name on the way out. A span that was routed to a project (Tracer::override_project), or has its
// trace evaluated in one (Tracer::async_trace_evaluate), while the project's id was not known carries the
// project's name; the id takes its place before the span is sent. See record/project_marks.hpp.
//
// Asks for each name in the background, while the spans wait. A name that is refused, or not answered in
// time, is logged once, and its spans lose the name and so go to the default project, and are evaluated
// there. On the exporter's thread, through its transport.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "export/batch.hpp"
#include "export/preparation.hpp"
#include "export/transport.hpp"

namespace judgeval::detail {

struct ProjectLookup {
    /// The id, when it was found before. Any thread.
    std::function<std::optional<std::string>(const std::string& name)> find;
    std::function<Preparation(const std::string& name)> ask;
    std::string default_name{};  ///< of the project that spans go to by themselves
};

class ProjectOverrides {
  public:
    /// A name is asked for as long as `ask_for` before its spans go to the default project.
    ProjectOverrides(ProjectLookup lookup, Transport& transport, ExportClock& clock,
                     std::chrono::nanoseconds ask_for)
        : lookup_(std::move(lookup)), transport_(transport), clock_(clock), ask_for_(ask_for) {}

    /// Puts ids in the place of names in the segment's records, which become shorter, not longer. False when
    /// a name's id has to be asked for first: the segment is as it was then.
    [[nodiscard]] bool settle(Segment& segment);
    /// The id of a project; empty for one that is not to be found; nothing while it is asked for, which this
    /// begins.
    [[nodiscard]] std::optional<std::string> find(const std::string& name);
    /// An id is being asked for.
    [[nodiscard]] bool is_waiting() const noexcept { return unanswered_ != 0; }

    /// False when the completion is of none of its requests. `random` is for the jitter.
    [[nodiscard]] bool handle(const Completion& completion, std::uint64_t random);
    /// Asks what is due; takes ids for the transport from `last_id`.
    void send_due(std::uint64_t& last_id);
    /// When send_due() has something to do; the far future when only completions can change that.
    [[nodiscard]] SteadyTime next_deadline() const;
    void abandon();

    /// What could not be found since this was called, for the log; or nothing.
    [[nodiscard]] std::string take_complaint() { return std::exchange(complaint_, {}); }

  private:
    struct Question {
        Preparation preparation;
        std::uint64_t id = 0;  ///< the transport's, while it is sent
        std::uint32_t attempts = 0;
        SteadyTime first_asked;
        SteadyTime next_attempt;
        bool is_given_up = false;
        bool is_told = false;
    };

    /// What became of records: the bytes with all ids in, or nothing when there was nothing to put in.
    struct Settled {
        bool has_all = true;  ///< else an id is still asked for
        std::uint64_t evaluations = 0;
        std::optional<std::string> changed{};
    };
    [[nodiscard]] Settled with_ids(std::string_view records);
    [[nodiscard]] std::optional<std::string> find_for_evaluation(const std::string& name);
    void give_up(const std::string& name, Question& question, const std::string& trouble);

    const ProjectLookup lookup_;
    Transport& transport_;
    ExportClock& clock_;
    const std::chrono::nanoseconds ask_for_;
    std::map<std::string, Question> questions_;  ///< by name; answered ones are in the lookup
    std::size_t unanswered_ = 0;
    std::string complaint_;
};

/// How much there is that spans may carry a name for: overrides, from the first on for good, and evaluations,
/// each until its id was put in. Spans are looked through only while there is any. Relaxed: what publishes
/// the span orders it.
inline std::atomic<std::uint64_t> project_names{0};

}  // namespace judgeval::detail
