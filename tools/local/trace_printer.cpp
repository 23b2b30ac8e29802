// See trace_printer.hpp.
#include "local/trace_printer.hpp"

#include <algorithm>

namespace judgeval::local {

std::string draw_trace(const StoredTrace& trace, Colours colours) {
    encode::TraceToDraw drawn{.trace_id = trace.trace_id, .name = trace.project_name};
    for (const StoredSpan& stored : trace.spans) drawn.spans.push_back(&stored.span);
    return encode::draw_trace(drawn, colours);
}

TracePrinter::TracePrinter(Store& store, std::ostream& output, Options options)
    : store_(store), output_(output), options_(options), spent_(is_spent()) {}

bool TracePrinter::is_spent() const { return options_.maximum_trees && printed_ >= *options_.maximum_trees; }

void TracePrinter::note(const std::vector<TouchedTrace>& touched, Clock::time_point now) {
    const std::lock_guard lock{mutex_};
    if (spent_) {
        return;
    }
    for (const TouchedTrace& trace : touched) {
        Followed& followed = followed_[trace.trace_id];
        if (followed.order == 0) {
            followed.order = ++next_order_;
        }
        followed.last_touched = now;
        followed.has_finished_root |= trace.has_finished_root;
        touches_.emplace_back(now, trace.trace_id);
    }
}

void TracePrinter::print_quiet(Clock::time_point now) {
    std::vector<std::string> quiet;
    {
        const std::lock_guard lock{mutex_};
        while (!touches_.empty() && touches_.front().first + options_.quiet_time <= now) {
            const auto& [time, trace_id] = touches_.front();
            const auto found = followed_.find(trace_id);
            if (found != followed_.end() && found->second.last_touched == time &&
                found->second.has_finished_root) {
                quiet.push_back(trace_id);
                followed_.erase(found);
            }
            touches_.pop_front();
        }
    }
    for (const std::string& trace_id : quiet) {
        print(trace_id);
    }
}

void TracePrinter::print_rest() {
    std::vector<std::pair<std::uint64_t, std::string>> rest;
    {
        const std::lock_guard lock{mutex_};
        for (const auto& [trace_id, followed] : followed_) {
            rest.emplace_back(followed.order, trace_id);
        }
        followed_.clear();
        touches_.clear();
    }
    std::sort(rest.begin(), rest.end());
    for (const auto& [order, trace_id] : rest) {
        print(trace_id);
    }
}

void TracePrinter::print(const std::string& trace_id) {
    if (is_spent()) {
        return;
    }
    if (const std::optional<StoredTrace> trace = store_.trace(trace_id)) {
        output_ << draw_trace(*trace, options_.colours) << '\n' << std::flush;
        ++printed_;
    }
    if (is_spent()) {
        const std::lock_guard lock{mutex_};
        spent_ = true;
        followed_.clear();
        touches_.clear();
    }
}

}  // namespace judgeval::local
