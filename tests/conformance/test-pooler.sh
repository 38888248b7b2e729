#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The scenarios through a PgBouncer that pools transactions, with one connection to the server for all clients together.
# One is left out, bad_urls: PgBouncer 1.18 tells a wrong password by 08P01, as it tells everything else.

if [ -z "$CUPEL_TEST_PGBOUNCER_ONE_URL" ]; then
  echo '1..0 # SKIP CUPEL_TEST_PGBOUNCER_ONE_URL is not set: ci/servers --pgbouncer'
  exit 0
fi
set -- "$1" --format=tap --url "$CUPEL_TEST_PGBOUNCER_ONE_URL"
for scenario in $("$1" --list | sed 's/ .*//' | grep -v '^bad_urls$'); do
  set -- "$@" --scenario "$scenario"
done
exec "$@"
