// index and lookup: ids found by binary search through the permutation that sorts them.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 SMALLEST_PART = i64{1} << 15, ASKED_AT_ONCE = 4096;

Word word(const Text& text, i64 row) {
  return {text.blob + text.offsets[row], text.offsets[row + 1] - text.offsets[row]};
}

bool before(const Word& a, const Word& b) {
  const int order = std::memcmp(a.at, b.at, static_cast<std::size_t>(std::min(a.length, b.length)));
  return order != 0 ? order < 0 : a.length < b.length;
}

bool before(i64 a, i64 b) { return a < b; }

// Numbers in the order of the ids; ids of unequal rank are in the order of their ranks.
std::uint64_t rank(i64 id) { return static_cast<std::uint64_t>(id) ^ (std::uint64_t{1} << 63); }

std::uint64_t rank(const Word& word) {  // its first eight bytes
  std::uint64_t out = 0;
  for (i64 at = 0; at < 8; ++at)
    out = out << 8 | (at < word.length ? static_cast<unsigned char>(word.at[at]) : 0u);
  return out;
}

struct Ranked {
  std::uint64_t rank;
  i32 row;
};

// Parts are sorted at the same time and merged in pairs; rows settle ties, so the order is one.
template <class At>
bool index_any(At at, i64 n, i32* order, const Run& run) {
  std::vector<Ranked> sorted(static_cast<std::size_t>(n));
  const auto less = [&at](const Ranked& a, const Ranked& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    const auto one = at(a.row), other = at(b.row);
    return before(one, other) || (!before(other, one) && a.row < b.row);
  };
  i64 parts = 1;
  while (parts < run.threads && n / (2 * parts) >= SMALLEST_PART) parts *= 2;
  const auto bound = [&](i64 part) { return sorted.begin() + n * part / parts; };
  bool going = parallel(parts, run, [&](i64 part, int) {
    for (auto one = bound(part); one != bound(part + 1); ++one) {
      const i64 row = one - sorted.begin();
      *one = {rank(at(static_cast<i32>(row))), static_cast<i32>(row)};
    }
    std::sort(bound(part), bound(part + 1), less);
  });
  for (i64 step = 1; going && step < parts; step *= 2)
    going = parallel(parts / (2 * step), run, [&](i64 pair, int) {
      const i64 part = 2 * step * pair;
      std::inplace_merge(bound(part), bound(part + step), bound(part + 2 * step), less);
    });
  for (i64 place = 0; going && place < n; ++place)
    order[place] = sorted[static_cast<std::size_t>(place)].row;
  return going;
}

template <class Id, class At>
bool lookup_any(At at, const i32* order, i64 size, const Id* ids, i64 n, i32* rows,
                const Run& run) {
  std::atomic<bool> foreign{false};
  parallel((n + ASKED_AT_ONCE - 1) / ASKED_AT_ONCE, run, [&](i64 chunk, int) {
    const i64 end = std::min((chunk + 1) * ASKED_AT_ONCE, n);
    for (i64 asked = chunk * ASKED_AT_ONCE; asked < end; ++asked) {
      i64 low = 0, high = size;
      i32 found = -1;  // the first row that is not before the id, among those met
      while (low < high) {
        const i64 middle = low + (high - low) / 2;
        const i32 row = order[middle];
        if (row < 0 || row >= size) {
          foreign = true;
          return;
        }
        if (before(at(row), ids[asked])) {
          low = middle + 1;
        } else {
          high = middle;
          found = row;
        }
      }
      rows[asked] = found >= 0 && !before(ids[asked], at(found)) ? found : -1;
    }
  });
  return !foreign;
}

}  // namespace

bool index(const i64* ids, i64 n, i32* order, const Run& run) {
  return index_any([ids](i32 row) { return ids[row]; }, n, order, run);
}

bool index(const Text& ids, i32* order, const Run& run) {
  return index_any([&ids](i32 row) { return word(ids, row); }, ids.size, order, run);
}

bool lookup(const i64* table, const i32* order, i64 size, const i64* ids, i64 n, i32* rows,
            const Run& run) {
  return lookup_any([table](i32 row) { return table[row]; }, order, size, ids, n, rows, run);
}

bool lookup(const Text& table, const i32* order, const Word* ids, i64 n, i32* rows,
            const Run& run) {
  return lookup_any([&table](i32 row) { return word(table, row); }, order, table.size, ids, n, rows,
                    run);
}

}  // namespace penchant
