// The exporter's transitions. See the header for who may call what.
#include "export/exporter.hpp"

#include <algorithm>
#include <cstring>

#include "arena/record_writer.hpp"
#include "encode/flatbuffers_reader.hpp"
#include "export/flatbuffers_body.hpp"
#include "export/partial_success.hpp"
#include "export/response_text.hpp"
#include "export/retry.hpp"

namespace judgeval::detail {

namespace {

/// A lasting no to the preparation is asked again after this time: somebody may create the project meanwhile.
constexpr std::chrono::seconds kPrepareAgain{60};
/// Trouble that lasts is logged once in this time.
constexpr std::chrono::seconds kComplainAgain{60};

/// While chunks fill up, the next look at them comes this soon: what is in use stays small, and in the
/// caches. Each look that finds none doubles the time to the next.
constexpr std::chrono::milliseconds kLookSoon{20};

std::string_view content_type(Encoding encoding) {
    return encoding == Encoding::kFlatBuffers ? encode::kFlatBuffersContentType : "application/x-protobuf";
}

/// Null when there is no memory. Leaves alone what is reserved for compressing.
Chunk* copy_to_chunks(std::string_view bytes, ChunkPool& pool) noexcept {
    Chunk* first = nullptr;
    for (Chunk** next = &first; !bytes.empty(); next = &(*next)->next) {
        *next = pool.acquire(ChunkPool::For::kSpans);
        if (*next == nullptr) {
            pool.release_chain(first);
            return nullptr;
        }
        const std::size_t size = std::min(bytes.size(), kChunkData);
        std::memcpy((*next)->data, bytes.data(), size);
        (*next)->size = static_cast<std::uint32_t>(size);
        bytes.remove_prefix(size);
    }
    return first;
}

int zstd_level(const PipelineOptions& options) {
    return options.compression == Compression::kZstd ? options.compression_level : 1;
}
int gzip_level(const PipelineOptions& options) {
    return options.compression == Compression::kGzip ? options.compression_level : 1;
}

}  // namespace

Exporter::Exporter(Pipeline& pipeline, Frame frame, ExporterSettings settings, Transport& transport,
                   ExportClock& clock, const Log& log)
    : pipeline_(pipeline),
      frame_(std::move(frame)),
      settings_(std::move(settings)),
      transport_(transport),
      clock_(clock),
      log_(log),
      undecided_(pipeline.settings().undecided_bytes, counters_.undecided, counters_.dropped),
      next_collection_(clock.now() + settings_.options.export_interval),
      next_look_(next_collection_),
      look_interval_(settings_.options.export_interval),
      compressor_(pipeline.pool(), zstd_level(settings_.options), gzip_level(settings_.options)),
      compression_(settings_.options.compression),
      platform_sender_(settings_.platform_requests, transport, clock, settings_.options.max_retry_time),
      overrides_(settings_.projects, transport, clock, settings_.options.request_timeout),
      readiness_(settings_.preparation ? Readiness::kUnprepared : Readiness::kReady),
      random_(settings_.random_seed) {
    if (settings_.options.compressor_threads > 1) {
        threads_ = std::make_unique<CompressorThreads>(
            pipeline.pool(), zstd_level(settings_.options), gzip_level(settings_.options),
            settings_.options.compressor_threads, [this] { transport_.wake(); });
    }
}

Exporter::~Exporter() { abandon(DropReason::kShutdown); }

std::uint64_t Exporter::next_random() noexcept {
    // SplitMix64: jitter needs no more
    std::uint64_t value = (random_ += 0x9E3779B97F4A7C15ULL);
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31U);
}

void Exporter::step(std::vector<Completion>& completions) {
    const SteadyTime now = clock_.now();
    for (const Completion& completion : completions) {
        if (completion.id == preparation_id_ && readiness_ == Readiness::kPreparing) {
            finish_preparation(completion.response, now);
        } else if (const auto found = batches_.find(completion.id); found != batches_.end()) {
            --sending_;
            handle(*found->second, completion.response, now);
        } else if (!overrides_.handle(completion, next_random())) {
            static_cast<void>(platform_sender_.handle(completion, next_random()));
        }
    }
    completions.clear();

    // Before the look at what is free, and whether or not that leads to a collection: a request that is left
    // standing would keep the next one from waking anybody.
    pipeline_.acknowledge_wake();
    if (now >= next_collection_) {
        collect();
        send_all_below_ = counters_.collected.get();
        next_collection_ = now + settings_.options.export_interval;
        log_shed(now);
    } else if (now >= next_look_ ||
               pipeline_.pool().free() < pipeline_.pool().total() - pipeline_.pool().total() / 8) {
        collect();
    }
    prepare(now);
    take_compressed();
    compress_next(now);
    find_override_projects();
    send_due(now);
    send_platform_requests(now);
    pipeline_.update_pressure();
}

SteadyTime Exporter::next_deadline() {
    if (should_compress()) return clock_.now();
    SteadyTime next = std::min(next_collection_, next_look_);
    for (const auto& [id, batch] : batches_) {
        if (batch->state == Batch::State::kReady && sending_ < settings_.options.max_requests_in_flight) {
            next = std::min(next, std::max(batch->next_attempt, pushed_back_until_));
        }
    }
    next = std::min(next, overrides_.next_deadline());
    if (readiness_ == Readiness::kReady) next = std::min(next, platform_sender_.next_deadline());
    const bool is_awaited =
        !pending_.empty() || platform_sender_.is_waiting() || is_project_refused_ || last_id_ == 0;
    if (readiness_ == Readiness::kUnprepared && is_awaited) {
        next = std::min(next, next_preparation_);
    }
    return next;
}

// ---- collecting ----

void Exporter::collect() {
    collect_once();
    if (!undecided_.has_ended()) return;
    // Spans that ended before their local root are there by now, but in a chunk that was looked at before
    // that of the root they may have been missed.
    const std::vector<TraceId> ended = undecided_.take_ended();
    collect_once();
    add_kept(undecided_.decide(ended));
}

void Exporter::collect_once() {
    // Current chunks first, the queue after: a chunk that moves in between is then seen twice (the second
    // time with what is new in it), never missed. Nothing is freed in here, so what was seen stays what it
    // is.
    current_chunks_.clear();
    full_chunks_.clear();
    pipeline_.snapshot_current(current_chunks_);
    for (Chunk* chunk = nullptr; pipeline_.dequeue_full(chunk);) {
        // relaxed: its owner published before it queued the chunk, and the queue orders the two
        add_segment(chunk, chunk->published.load(std::memory_order_relaxed));
        full_chunks_.push_back(chunk);
    }
    for (Chunk* const chunk : current_chunks_) {
        // acquire: pairs with the owner's release, the bytes below the offset are complete
        add_segment(chunk, chunk->published.load(std::memory_order_acquire));
    }
    // The owners' references go last: a full chunk may be among the current ones too, and once free it is
    // another's.
    for (Chunk* const chunk : full_chunks_) pipeline_.release_reference(chunk);
    look_interval_ =
        full_chunks_.empty() ? std::min(2 * look_interval_, settings_.options.export_interval) : kLookSoon;
    next_look_ = clock_.now() + look_interval_;
}

/// One line a minute, while there is something to say.
void Exporter::log_shed(SteadyTime now) {
    if (now < next_shedding_line_) return;
    const Pipeline::Totals totals = pipeline_.totals();
    const std::uint64_t shed = totals.dropped[static_cast<std::size_t>(DropReason::kTraceShed)] +
                               totals.dropped[static_cast<std::size_t>(DropReason::kBudgetExhausted)];
    if (shed == shed_) return;
    log_(LogLevel::kWarning,
         "the memory budget ran low: " + std::to_string(shed - shed_) +
             " spans were given up, whole traces where possible, since this was last said; a larger "
             "pipeline.memory_budget_bytes holds more, a sampler makes fewer");
    shed_ = shed;
    next_shedding_line_ = now + kComplainAgain;
}

void Exporter::add_segment(Chunk* chunk, std::uint64_t published) {
    // Free by now, or somebody's who has published nothing: the rest of it is not the exporter's to read.
    if (published == 0) return;
    const std::uint32_t spans = Chunk::spans_of(published) - chunk->collected_spans;
    if (spans == 0) return;
    Segment segment{chunk, chunk->collected_bytes, Chunk::bytes_of(published) - chunk->collected_bytes, spans,
                    0};
    segment.total_size = segment.size;
    for (const Chunk* next = chunk->next; next != nullptr; next = next->next)
        segment.total_size += next->size;
    chunk->collected_bytes += segment.size;
    chunk->collected_spans += spans;
    if (pipeline_.settings().undecided_bytes != 0) {
        undecided_.sift(segment);
        if (segment.spans == 0) return;
    }
    ++chunk->further_readers;
    push(segment);
}

void Exporter::push(const Segment& segment) {
    pending_.push_back(segment);
    pending_bytes_ += segment.total_size;
    counters_.collected.add(segment.spans);
}

/// Gets records that had to wait back into chunks: as many into one as fit, and a larger one into several.
void Exporter::add_kept(std::string records) {
    for (std::size_t begin = 0; begin != records.size();) {
        std::uint32_t spans = 0;
        std::size_t end = begin;
        while (end != records.size()) {
            const std::size_t size =
                read_head(reinterpret_cast<unsigned char*>(records.data() + end)).record_bytes;
            if (spans != 0 && end + size - begin > kChunkData) break;
            end += size;
            ++spans;
        }
        const std::string_view part = std::string_view(records).substr(begin, end - begin);
        if (Chunk* const chunk = copy_to_chunks(part, pipeline_.pool())) {
            const auto total = static_cast<std::uint32_t>(part.size());
            push({chunk, 0, std::min(total, static_cast<std::uint32_t>(kChunkData)), spans, total});
        } else {
            count_drop(DropReason::kBudgetExhausted, spans);
            counters_.undecided.left_out.add(spans);
        }
        begin = end;
    }
}

// ---- finding the project ----

void Exporter::prepare(SteadyTime now) {
    if (readiness_ != Readiness::kUnprepared || now < next_preparation_) return;
    readiness_ = Readiness::kPreparing;
    preparation_id_ = ++last_id_;
    transport_.send(preparation_id_, settings_.preparation->request);
}

void Exporter::finish_preparation(const HttpResponse& response, SteadyTime now) {
    std::string trouble;
    if (response.status == 200) {
        auto answer = settings_.preparation->finish(response);
        if (auto* const headers = std::get_if<std::vector<std::string>>(&answer)) {
            settings_.headers.insert(settings_.headers.end(), headers->begin(), headers->end());
            readiness_ = Readiness::kReady;
            is_project_refused_ = false;
            return;
        }
        trouble = std::get<std::string>(answer);
    } else {
        trouble = describe(response);
    }
    readiness_ = Readiness::kUnprepared;
    const bool is_passing = is_retryable(response) || response.status == 500;
    is_project_refused_ = !is_passing;
    if (is_passing) {
        next_preparation_ = now + parse_retry_after(response.retry_after, clock_.system_now())
                                      .value_or(backoff(preparation_attempts_++, next_random()));
    } else {
        next_preparation_ = now + kPrepareAgain;
    }
    if (now >= next_complaint_) {
        next_complaint_ = now + kComplainAgain;
        log_(LogLevel::kWarning,
             "cannot find the project: " + trouble +
                 (is_passing ? "; spans wait in memory and it is asked again"
                             : "; spans are dropped until it is found, asking again in 60 s"));
    }
}

void Exporter::find_override_projects() {
    overrides_.send_due(last_id_);
    if (const std::string line = overrides_.take_complaint(); !line.empty()) log_(LogLevel::kWarning, line);
}

// ---- compressing ----

bool Exporter::should_compress() const {
    if (pending_.empty() || readiness_ != Readiness::kReady || overrides_.is_waiting()) return false;
    const std::size_t beside = threads_ ? threads_->count() : 0;
    if (batches_.size() >= settings_.options.max_requests_in_flight + beside) return false;
    const ChunkPool& pool = pipeline_.pool();
    const bool is_due = pending_bytes_ >= settings_.options.max_batch_bytes ||
                        pending_sequence_ < send_all_below_ ||
                        pool.free() < pool.reserved() + pool.total() / 8;
    if (!is_due) return false;
    // A batch that does not compress takes as much as it holds. When nothing else is on its way the reserve
    // suffices.
    const std::size_t needed =
        settings_.options.max_batch_bytes * body_growth(settings_.options.encoding) / kChunkData + 2;
    return batches_.empty() || pool.free() >= needed;
}

void Exporter::compress_next(SteadyTime now) {
    if (is_project_refused_ && readiness_ != Readiness::kReady)
        return drop_pending(DropReason::kProjectUnresolved);
    while (should_compress()) {
        if (!settle(pending_.front())) return;
        auto made = std::make_unique<Batch>();
        Batch& batch = *made;
        batch.id = ++last_id_;
        batch.first_sequence = pending_sequence_;
        std::size_t records = 0;
        do {
            const Segment& segment = pending_.front();
            records += segment.total_size;
            batch.spans += segment.spans;
            batch.segments.push_back(segment);
            pending_.pop_front();
        } while (!pending_.empty() &&
                 records + pending_.front().total_size <= settings_.options.max_batch_bytes &&
                 settle(pending_.front()));
        pending_bytes_ -= records;
        pending_sequence_ += batch.spans;
        batch.encoding = settings_.options.encoding;
        const std::string before = frame_.before(batch.encoding == Encoding::kOtlp ? records : 0);
        batch.encoded_bytes = before.size() + records;
        batch.record_bytes = records;
        batch.compression = compression_;
        batch.created = now;
        batches_.emplace(batch.id, std::move(made));
        if (threads_) {
            threads_->submit(&batch, before);
            continue;
        }
        const bool is_compressed =
            compressor_.compress(batch, before, [this](const Segment& segment) { release(segment); });
        finish_compression(batch, is_compressed);
        return;  // one at a time: the network wants its turn in between
    }
}

/// False when the segment's spans have to wait until it is known which project they go to.
bool Exporter::settle(Segment& segment) {
    const std::uint32_t size = segment.total_size;
    if (!overrides_.settle(segment)) return false;
    pending_bytes_ -= size - segment.total_size;
    return true;
}

void Exporter::take_compressed() {
    if (!threads_) return;
    for (CompressorThreads::Job job; threads_->take(job);) {
        for (const Segment& segment : job.done) release(segment);
        finish_compression(*job.batch, job.is_compressed);
    }
}

void Exporter::finish_compression(Batch& batch, bool is_compressed) {
    if (!is_compressed) return drop(batch, DropReason::kInternal);
    counters_.encoded_bytes.add(batch.encoded_bytes);
    batch.state = Batch::State::kReady;
}

void Exporter::release(const Segment& segment) { pipeline_.release_reference(segment.chunk); }

// ---- sending ----

void Exporter::send_due(SteadyTime now) {
    if (now < pushed_back_until_) return;
    for (auto& [id, batch] : batches_) {
        if (sending_ >= settings_.options.max_requests_in_flight) return;
        if (batch->state != Batch::State::kReady || now < batch->next_attempt) continue;
        HttpRequest request{settings_.url, settings_.headers, batch->body_pieces()};
        request.headers.push_back("Content-Type: " + std::string(content_type(batch->encoding)));
        if (batch->compression == Compression::kZstd) request.headers.emplace_back("Content-Encoding: zstd");
        if (batch->compression == Compression::kGzip) request.headers.emplace_back("Content-Encoding: gzip");
        batch->state = Batch::State::kSending;
        ++sending_;
        counters_.requests.add(1);
        counters_.sent_bytes.add(batch->body_bytes);
        if (batch->attempts++ != 0) counters_.retries.add(1);
        transport_.send(id, request);
    }
}

void Exporter::handle(Batch& batch, const HttpResponse& response, SteadyTime now) {
    batch.state = Batch::State::kReady;
    if (response.status >= 200 && response.status < 300) {
        if (batch.compression == compression_) is_compression_confirmed_ = true;
        return count_accepted(batch, response);
    }
    const bool refuses_zstd = batch.compression == Compression::kZstd && !is_compression_confirmed_ &&
                              (response.status == 400 || response.status == 415);
    if (refuses_zstd) {
        if (compression_ == Compression::kZstd) {
            compression_ = Compression::kGzip;
            log_(LogLevel::kInfo,
                 "the endpoint refuses zstd (" + describe(response) + "): sending gzip from now on");
        }
        if (compressor_.recompress_as_gzip(batch)) {
            batch.next_attempt = now;
            return;
        }
        return drop(batch, DropReason::kInternal);
    }
    if (is_retryable(response)) return retry_later(batch, response, now);
    if (response.status == 413 && split(batch, now)) return;
    if (now >= next_complaint_) {
        next_complaint_ = now + kComplainAgain;
        log_(LogLevel::kWarning, "the backend refuses spans: " + describe(response) + "; " +
                                     std::to_string(batch.spans) +
                                     " dropped, more of this is counted, not logged");
    }
    drop(batch, DropReason::kRefused);
}

void Exporter::count_accepted(Batch& batch, const HttpResponse& response) {
    const PartialSuccess partial = read_partial_success(response.body);
    const std::uint64_t rejected = std::min(partial.rejected_spans, batch.spans);
    if (rejected != 0) {
        const SteadyTime now = clock_.now();
        if (now >= next_complaint_) {
            next_complaint_ = now + kComplainAgain;
            log_(LogLevel::kWarning, "the backend rejected " + std::to_string(rejected) + " of " +
                                         std::to_string(batch.spans) + " spans" +
                                         quote(partial.error_message));
        }
        count_drop(DropReason::kRejected, rejected);
    }
    counters_.exported.add(batch.spans - rejected);
    finish(batch);
}

/// For an endpoint that finds a batch too large: sends it as two, and makes no more that are as large.
bool Exporter::split(Batch& batch, SteadyTime now) {
    const std::size_t refused_bytes = batch.record_bytes;
    auto rest = std::make_unique<Batch>();
    if (!compressor_.split(batch, *rest, frame_)) return false;
    if (refused_bytes <= settings_.options.max_batch_bytes) {
        settings_.options.max_batch_bytes = std::max(refused_bytes / 2, std::size_t{1024});
        log_(LogLevel::kInfo, "the endpoint finds a request of " + std::to_string(refused_bytes) +
                                  " bytes too large (HTTP 413): sending smaller ones from now on");
    }
    rest->id = ++last_id_;
    rest->first_sequence = batch.first_sequence;
    rest->created = batch.created;
    rest->state = Batch::State::kReady;
    for (Batch* const part : {&batch, rest.get()}) {
        part->next_attempt = now;
        part->attempts = 0;
    }
    batches_.emplace(rest->id, std::move(rest));
    return true;
}

void Exporter::retry_later(Batch& batch, const HttpResponse& response, SteadyTime now) {
    if (now - batch.created >= settings_.options.max_retry_time) {
        if (now >= next_complaint_) {
            next_complaint_ = now + kComplainAgain;
            log_(LogLevel::kWarning, "gave up on " + std::to_string(batch.spans) +
                                         " spans after max_retry_time: " + describe(response));
        }
        return drop(batch, DropReason::kRetriesExhausted);
    }
    const auto asked = parse_retry_after(response.retry_after, clock_.system_now());
    const auto delay = asked.value_or(backoff(batch.attempts - 1, next_random()));
    batch.next_attempt = now + delay;
    // A backend in trouble is not helped by other batches arriving meanwhile.
    pushed_back_until_ = std::max(pushed_back_until_, batch.next_attempt);
    if (now >= next_complaint_) {
        next_complaint_ = now + kComplainAgain;
        log_(LogLevel::kWarning, "cannot deliver spans: " + describe(response) + "; retrying");
    }
}

// ---- what goes to the platform beside spans ----

void Exporter::send_platform_requests(SteadyTime now) {
    if (readiness_ == Readiness::kReady) {
        platform_sender_.send_due(last_id_, overrides_);
    } else if (is_project_refused_) {
        platform_sender_.drop_waiting();
    }
    // Trouble that lasts is logged once in a while.
    if (now < next_platform_complaint_) return;
    if (const std::string line = platform_sender_.take_complaint(); !line.empty()) {
        next_platform_complaint_ = now + kComplainAgain;
        log_(LogLevel::kWarning, line);
    }
}

// ---- the end of a span's way ----

void Exporter::count_drop(DropReason reason, std::uint64_t spans) {
    counters_.dropped[static_cast<std::size_t>(reason)].add(spans);
}

void Exporter::drop(Batch& batch, DropReason reason) {
    for (const Segment& segment : batch.segments) release(segment);
    batch.segments.clear();
    count_drop(reason, batch.spans);
    finish(batch);
}

void Exporter::finish(Batch& batch) {
    pipeline_.pool().release_chain(std::exchange(batch.body, nullptr));
    counters_.finished.add(batch.spans);
    batches_.erase(batch.id);
}

void Exporter::drop_pending(DropReason reason) {
    for (const Segment& segment : pending_) {
        release(segment);
        pending_sequence_ += segment.spans;
        count_drop(reason, segment.spans);
        counters_.finished.add(segment.spans);
    }
    pending_.clear();
    pending_bytes_ = 0;
}

FlushPoint Exporter::begin_flush() {
    collect();
    send_all_below_ = counters_.collected.get();
    return {send_all_below_, platform_sender_.begin_flush()};
}

bool Exporter::is_flushed(const FlushPoint& flush) const {
    if (!pending_.empty() && pending_sequence_ < flush.spans) return false;
    return std::none_of(batches_.begin(), batches_.end(),
                        [&flush](const auto& entry) { return entry.second->first_sequence < flush.spans; }) &&
           platform_sender_.is_flushed(flush.platform_requests);
}

void Exporter::abandon(DropReason reason) {
    collect();
    if (threads_) {
        threads_->wait_until_idle();
        take_compressed();
    }
    if (readiness_ == Readiness::kPreparing) {
        transport_.cancel(preparation_id_);
        readiness_ = Readiness::kUnprepared;
    }
    while (!batches_.empty()) {
        Batch& batch = *batches_.begin()->second;
        if (batch.state == Batch::State::kSending) {
            transport_.cancel(batch.id);
            --sending_;
        }
        drop(batch, reason);
    }
    drop_pending(reason);
    undecided_.abandon(reason);
    platform_sender_.abandon();
    overrides_.abandon();
}

}  // namespace judgeval::detail
