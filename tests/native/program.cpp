// Every kernel at every instruction-set level of this processor, for sanitizers to watch; Python
// takes no part.
#include <string>

#include "check.hpp"

using namespace penchant;

// With an argument only the level in use and nothing large, for a sanitizer that is slow.
int main(int arguments, char**) {
  const bool all = arguments == 1;
  test_pool();
  test_ids();
  test_rows();
  test_nearest();
  if (all) test_large_catalogue();
  const std::string usual = level().name;
  for (const std::string name : {"baseline", "avx2", "avx512"}) {
    if (!all && name != usual) continue;
    if (!choose_level(name.c_str())) {
      std::printf("%s: not on this processor\n", name.c_str());
      continue;
    }
    test_similar();
    test_scores();
    test_factors();
    test_descents();
    test_columns();
    std::printf("%s: passed\n", name.c_str());
  }
}
