#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a third party does: installs Cupel somewhere, builds a dialect and a program against that, and uses Cupel as a Meson
# subproject. Prints TAP.
#
# usage: test-out-of-tree.sh SOURCE-FOLDER     ($MESON: how to run Meson, $CC: the compiler)

set -u

source=$1
here=$source/tests/plugins
meson=${MESON:-meson}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$folder"

# Of all this only what the test itself sets counts.
unset CUPEL_PLUGIN_PATH LD_LIBRARY_PATH DESTDIR MALLOC_PERTURB_ PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
prefix=$folder/prefix
PKG_CONFIG_PATH=$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH

n=0
failed=0

# step NAME COMMAND...: one test, which passes when the command does
step ()
{
  name=$1
  shift
  n=$((n + 1))
  if "$@" >"$folder/log" 2>&1; then
    echo "ok $n /out-of-tree/$name"
  else
    echo "not ok $n /out-of-tree/$name"
    sed 's/^/# /' "$folder/log"
    failed=1
  fi
}

# Without these the rest makes no sense.
need ()
{
  step "$@"
  if [ $failed -ne 0 ]; then
    echo "1..$n"
    exit 1
  fi
}

equals ()
{
  echo "is:        $1"
  echo "should be: $2"
  [ "$1" = "$2" ]
}

install_cupel ()
{
  $meson setup "$folder/build" "$source" --prefix "$prefix" --libdir lib --buildtype plain -Dtests=false -Dexamples=false \
    -Ddocs=false -Dintrospection=false -Dpostgresql=disabled -Dmysql=disabled -Dsqlite=disabled &&
    $meson install -C "$folder/build"
}

install_sample ()
{
  $meson setup "$folder/sample" "$here/sample" --prefix "$prefix" --libdir lib && $meson install -C "$folder/sample"
}

program_prints ()
{
  output=$("$folder/sample/sample-program" "$@") || return 1
  equals "$output" "1
42 7"
}

program_fails ()
{
  pattern=$1
  shift
  if output=$("$folder/sample/sample-program" "$@" 2>&1); then
    echo "did not fail: $output"
    return 1
  fi
  echo "$output"
  echo "$output" | grep -q "$pattern"
}

use_subproject ()
{
  mkdir -p "$folder/app/subprojects" && cp "$here/subproject/meson.build" "$here/subproject/app.c" "$folder/app" &&
    ln -s "$source" "$folder/app/subprojects/cupel" &&
    $meson setup "$folder/app/build" "$folder/app" --buildtype plain --wrap-mode forcefallback \
      -Dcupel:postgresql=disabled -Dcupel:mysql=disabled -Dcupel:sqlite=disabled &&
    $meson compile -C "$folder/app/build" && "$folder/app/build/app"
}

need install install_cupel
step plugindir equals "$(pkg-config --variable=plugindir cupel-1)" "$prefix/lib/cupel-1/plugins"
step plugin-abi equals "$(pkg-config --variable=plugin_abi cupel-1 | cut -d. -f1)" 1
step dialect-missing [ ! -e "$prefix/lib/cupel-1/plugins/libcupel-dialect-sample.so" ]
need dialect-install install_sample
step dialect-there [ -f "$prefix/lib/cupel-1/plugins/libcupel-dialect-sample.so" ]
step installed-plugin program_prints
step bad-option program_fails 'has no option "colour"' 'sample://?colour=red'

# The same module, no longer where the library looks by itself.
mkdir "$folder/elsewhere"
mv "$prefix/lib/cupel-1/plugins/libcupel-dialect-sample.so" "$folder/elsewhere"
step not-found program_fails 'libcupel-dialect-sample\.so'
CUPEL_PLUGIN_PATH=$folder/elsewhere
export CUPEL_PLUGIN_PATH
step plugin-path program_prints
unset CUPEL_PLUGIN_PATH

step subproject use_subproject

echo "1..$n"
exit $failed
