#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The scenarios over TCP and TLS, to servers that prove their name.

if [ -z "${CUPEL_TEST_POSTGRESQL_TLS_URL:-}" ] || [ -z "${CUPEL_TEST_MYSQL_TLS_URL:-}" ]; then
  echo '1..0 # SKIP CUPEL_TEST_POSTGRESQL_TLS_URL and CUPEL_TEST_MYSQL_TLS_URL are not set: ci/servers --tls'
  exit 0
fi
exec "$1" --format=tap --url "$CUPEL_TEST_POSTGRESQL_TLS_URL" --url "$CUPEL_TEST_MYSQL_TLS_URL"
