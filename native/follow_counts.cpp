// follow_counts: how often an item comes some places after another, summed over sequences.
//
// The places of each item are sorted once; an item then looks ahead from all of them into one row
// of sums. Items are independent, so their bytes do not depend on threads.
#include <algorithm>

#include "turned.hpp"

namespace penchant {
namespace {

constexpr i64 ROWS = 256, ITEMS = 16;  // sequences and items of one chunk
constexpr std::size_t FEW = 32;        // below 1/FEW of the columns a row is sorted, not walked

std::size_t at(i64 n) { return static_cast<std::size_t>(n); }

// How many entries follow each, at most `horizon`, within its sequence.
std::vector<i32> lookahead(const Rows& x, i64 horizon, const Run& run) {
  std::vector<i32> ahead(at(x.indptr[x.n_rows]));
  parallel((x.n_rows + ROWS - 1) / ROWS, run, [&](i64 chunk, int) {
    for (i64 r = chunk * ROWS; r < std::min((chunk + 1) * ROWS, x.n_rows); ++r)
      for (i64 e = x.indptr[r]; e < x.indptr[r + 1]; ++e)
        ahead[at(e)] = static_cast<i32>(std::min(horizon, x.indptr[r + 1] - e - 1));
  });
  return ahead;
}

// One row of sums, and the columns it has.
struct Sums {
  std::vector<double> sum;
  std::vector<i32> columns;

  void add(i32 column, double weight) {
    double& to = sum[at(column)];
    if (to == 0) columns.push_back(column);
    to += weight;
  }

  void empty_into(std::vector<Scored>& list) {
    list.reserve(columns.size());
    if (columns.size() < sum.size() / FEW) {
      std::sort(columns.begin(), columns.end());
      for (const i32 column : columns) keep(column, list);
    } else {
      for (std::size_t column = 0; column < sum.size(); ++column)
        if (sum[column] != 0) keep(static_cast<i32>(column), list);
    }
    columns.clear();
  }

 private:
  void keep(i32 column, std::vector<Scored>& list) {
    list.push_back({static_cast<float>(sum[at(column)]), column});
    sum[at(column)] = 0;
  }
};

}  // namespace

bool follow_counts(const Rows& sequences, i64 n_columns, const double* weights, i64 horizon,
                   OwnedRows& out, const Run& run) {
  const i64 n = sequences.indptr[sequences.n_rows];
  std::vector<i64> indptr(at(n_columns) + 1), places(at(n));
  if (!csr(sequences.indices, n, n_columns, nullptr, indptr.data(), places.data(), run))
    return false;
  const std::vector<i32> ahead = lookahead(sequences, horizon, run);
  std::vector<Sums> scratch(at(std::max(run.threads, 1)));
  std::vector<std::vector<Scored>> lists(at(n_columns));
  const bool finished = parallel((n_columns + ITEMS - 1) / ITEMS, run, [&](i64 chunk, int worker) {
    Sums& sums = scratch[at(worker)];
    sums.sum.resize(at(n_columns));
    for (i64 item = chunk * ITEMS; item < std::min((chunk + 1) * ITEMS, n_columns); ++item) {
      for (i64 p = indptr[at(item)]; p < indptr[at(item) + 1]; ++p) {
        const i64 place = places[at(p)];
        const i32* next = sequences.indices + place + 1;
        for (i32 g = 0; g < ahead[at(place)]; ++g) sums.add(next[g], weights[g]);
      }
      sums.empty_into(lists[at(item)]);
    }
  });
  collect(lists, out);
  return finished;
}

}  // namespace penchant
