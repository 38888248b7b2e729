# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the other scripts in this folder, which source it.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

servers=()     # more options of ci/servers
builddir=${CUPEL_BUILDDIR:-build}
colour=()
if [ "${CI:-}" = true ]; then
  export TERM=dumb    # Meson and ninja go by it
  colour=(-Db_colorout=never)
fi

say () {
  printf '\n== %s\n' "$*"
}

# configure FOLDER [OPTION...]: makes a build folder, or brings the one that is there up to date
configure () {
  local folder=$1
  shift
  if [ -e "$folder/meson-private/coredata.dat" ] && [ -e "$folder/build.ninja" ]; then
    meson setup --reconfigure "$folder" "${colour[@]}" "$@"
  else
    meson setup "$folder" "${colour[@]}" "$@"
  fi
}

# run_tests FOLDER LOG [OPTION...]: with servers, unless this runs under ci/servers already
run_tests () {
  local folder=$1 log=$1/meson-logs/$2
  shift 2
  rm -f "$log"
  if [ -n "${CUPEL_TEST_FOLDER:-}" ]; then
    meson test -C "$folder" --no-rebuild --print-errorlogs "$@"
  else
    ci/servers --tcp --pgbouncer --small-disk "${servers[@]}" --logs "$folder/meson-logs" -- \
      meson test -C "$folder" --no-rebuild --print-errorlogs "$@"
  fi
}
