#!/usr/bin/env sh
# Builds the native tests, plain or under a sanitizer, and runs them: run.sh BIN plain|SANITIZER.
# Says why where a sanitizer cannot run.
set -eu
bin=$1 sanitizer=$2
build=build/native-$(echo "$sanitizer" | tr , -)
PATH=$bin:$PATH
[ "$sanitizer" = plain ] && flags= || flags=-fsanitize=$sanitizer
mkdir -p "$build"

skip() {
  echo "native tests, $sanitizer: skipped, for $1"
  exit 0
}

# Address randomisation off where that may be: gcc's thread sanitizer needs it on kernels that use
# many bits of it.
empty=$build/empty
fixed=
if [ -n "$flags" ]; then
  echo "int main() {}" | ${CXX:-c++} -x c++ $flags -o "$empty" - 2> /dev/null ||
    skip "this compiler has no such sanitizer"
  if setarch -R "$empty" 2> /dev/null; then
    fixed="setarch -R"
  elif ! "$empty" 2> /dev/null; then
    skip "even an empty program does not run under it here (try sysctl vm.mmap_rnd_bits=28)"
  fi
fi
cmake -G Ninja -S tests/native -B "$build" -DSANITIZE="${flags#-fsanitize=}" > /dev/null
ninja -C "$build" -j 2 --quiet
echo "native tests, $sanitizer:"
if [ "$sanitizer" = thread ]; then  # slow, and the same at every level
  $fixed "$build/native_tests" pool
  $fixed "$build/scattered_tests" quick
else
  $fixed "$build/native_tests"
fi
