// csr: entries, and columns of cells beside them, in the order of (row, time, position).
#include "buckets.hpp"

namespace penchant {
namespace {

constexpr int POSITION_BITS = 42;  // below them the entry, above them its row within the bucket
constexpr i64 POSITION = (i64{1} << POSITION_BITS) - 1;
constexpr i64 FEW = 24;  // entries that are sorted by insertion

struct Timed {
  i64 time, at;
};

bool earlier(const Timed& a, const Timed& b) { return a.time < b.time; }

void insert_all(Timed* entries, i64 n) {
  for (i64 end = 1; end < n; ++end) {
    const Timed one = entries[end];
    i64 at = end;
    for (; at > 0 && one.time < entries[at - 1].time; --at) entries[at] = entries[at - 1];
    entries[at] = one;
  }
}

// Into at most as many stretches of time as there are entries, again and again until each holds
// few of them. Stable; comparisons would be mispredicted half of the time.
void into_stretches(Timed* entries, i64 n, std::vector<Timed>& moved) {
  const auto [first, last] = std::minmax_element(entries, entries + n, earlier);
  const i64 low = first->time;
  const auto since = [low](i64 time) {  // of any two times: as unsigned numbers
    return static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(low);
  };
  int shift = 0;
  while (since(last->time) >> shift >= static_cast<std::uint64_t>(n)) ++shift;
  std::vector<i64> next((since(last->time) >> shift) + 2);
  for (i64 at = 0; at < n; ++at) ++next[(since(entries[at].time) >> shift) + 1];
  for (std::size_t one = 1; one < next.size(); ++one) next[one] += next[one - 1];
  moved.assign(entries, entries + n);
  for (const Timed& one : moved) entries[next[since(one.time) >> shift]++] = one;
  i64 begin = 0;  // next[stretch] is by now where the stretch ends
  for (std::size_t one = 0; shift > 0 && one + 1 < next.size(); begin = next[one++])
    if (next[one] - begin > FEW) into_stretches(entries + begin, next[one] - begin, moved);
}

void sort_by_time(Timed* entries, i64 n, std::vector<Timed>& moved) {
  if (std::is_sorted(entries, entries + n, earlier)) return;
  if (n > FEW) into_stretches(entries, n, moved);
  insert_all(entries, n);
}

template <class T>
void permute(T* cells, const std::vector<Timed>& sorted, std::vector<T>& copy) {
  copy.assign(cells, cells + sorted.size());
  for (const Timed& one : sorted) *cells++ = copy[static_cast<std::size_t>(one.at)];
}

// Sorts one bucket after another, whose entries came in their order, by row and time; what it needs
// for that is kept.
class Sorter {
 public:
  void sort(const Buckets& buckets, i64 bucket, i64 n_rows, i64* indptr, i64* order, i64* times,
            const std::vector<Beside>& columns) {
    const i64 first = buckets.starts[static_cast<std::size_t>(bucket)];
    sorted_.resize(
        static_cast<std::size_t>(buckets.starts[static_cast<std::size_t>(bucket + 1)] - first));
    const auto row = [&](i64 place) { return order[place] >> POSITION_BITS; };
    count_keys(buckets, bucket, n_rows, row, indptr, ends_);
    by_row(order + first, times ? times + first : nullptr);
    if (times) by_time(times + first);
    permute(order + first, sorted_, wide_);
    for (const Beside& one : columns) permute(one.sorted + first, sorted_, narrow_);
  }

 private:
  std::vector<Timed> sorted_, moved_;
  std::vector<i64> ends_, wide_;  // ends of rows are counted from the begin of the bucket
  std::vector<std::uint32_t> narrow_;

  void by_row(i64* order, const i64* times) {
    for (std::size_t at = 0; at < sorted_.size(); ++at) {
      const i64 to = ends_[static_cast<std::size_t>(order[at] >> POSITION_BITS)]++;
      sorted_[static_cast<std::size_t>(to)] = {times ? times[at] : 0, static_cast<i64>(at)};
      order[at] &= POSITION;
    }
  }

  void by_time(i64* times) {
    i64 begin = 0;
    for (std::size_t row = 0; row + 1 < ends_.size(); begin = ends_[row++])
      sort_by_time(sorted_.data() + begin, ends_[row] - begin, moved_);
    for (const Timed& one : sorted_) *times++ = one.time;
  }
};

}  // namespace

bool arranged(const i32* rows, i64 n, i64 n_rows, const i64* times, i64* indptr, i64* order,
              i64* sorted_times, const std::vector<Beside>& columns, const Run& run) {
  const Parts parts(n);
  Buckets buckets(n_rows);
  const bool moved = into_buckets(rows, parts, buckets, run, [&](i64 begin, i64 end, auto place) {
    for (i64 entry = begin; entry < end; ++entry) {
      const i64 to = place(entry);
      order[to] = buckets.low(rows[entry]) << POSITION_BITS | entry;
      if (times) sorted_times[to] = times[entry];
      for (const Beside& one : columns) one.sorted[to] = one.cells[entry];
    }
  });
  indptr[0] = 0;
  std::vector<Sorter> sorters(static_cast<std::size_t>(std::max(run.threads, 1)));
  return moved && parallel(buckets.count, run, [&](i64 bucket, int worker) {
           sorters[static_cast<std::size_t>(worker)].sort(buckets, bucket, n_rows, indptr, order,
                                                          sorted_times, columns);
         });
}

bool csr(const i32* rows, i64 n, i64 n_rows, const i64* times, i64* indptr, i64* order,
         const Run& run) {
  std::vector<i64> sorted(times ? static_cast<std::size_t>(n) : 0);
  return arranged(rows, n, n_rows, times, indptr, order, times ? sorted.data() : nullptr, {}, run);
}

}  // namespace penchant
