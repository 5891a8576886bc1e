// index and lookup: ids found by binary search through the permutation that sorts them.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels.hpp"

namespace penchant {
namespace {

Word word(const Text& text, i64 row) {
  return {text.blob + text.offsets[row], text.offsets[row + 1] - text.offsets[row]};
}

bool before(const Word& a, const Word& b) {
  const int order = std::memcmp(a.at, b.at, static_cast<std::size_t>(std::min(a.length, b.length)));
  return order != 0 ? order < 0 : a.length < b.length;
}

bool before(i64 a, i64 b) { return a < b; }

template <class Id, class At>
bool lookup_any(At at, const i32* order, i64 size, const Id* ids, i64 n, i32* rows) {
  for (i64 asked = 0; asked < n; ++asked) {
    i64 low = 0, high = size;
    i32 found = -1;  // the first row that is not before the id, among those met
    while (low < high) {
      const i64 middle = low + (high - low) / 2;
      const i32 row = order[middle];
      if (row < 0 || row >= size) return false;
      if (before(at(row), ids[asked])) {
        low = middle + 1;
      } else {
        high = middle;
        found = row;
      }
    }
    rows[asked] = found >= 0 && !before(ids[asked], at(found)) ? found : -1;
  }
  return true;
}

}  // namespace

void index(const i64* ids, i64 n, i32* order) {
  std::iota(order, order + n, 0);
  std::stable_sort(order, order + n, [ids](i32 a, i32 b) { return ids[a] < ids[b]; });
}

void index(const Text& ids, i32* order) {
  std::iota(order, order + ids.size, 0);
  std::stable_sort(order, order + ids.size,
                   [&ids](i32 a, i32 b) { return before(word(ids, a), word(ids, b)); });
}

bool lookup(const i64* table, const i32* order, i64 size, const i64* ids, i64 n, i32* rows) {
  return lookup_any([table](i32 row) { return table[row]; }, order, size, ids, n, rows);
}

bool lookup(const Text& table, const i32* order, const Word* ids, i64 n, i32* rows) {
  return lookup_any([&table](i32 row) { return word(table, row); }, order, table.size, ids, n, rows);
}

}  // namespace penchant
