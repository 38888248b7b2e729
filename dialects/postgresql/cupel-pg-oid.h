/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The OIDs of the built-in types, which never change. */
enum
{
  PG_OID_BOOL         = 16,
  PG_OID_BYTEA        = 17,
  PG_OID_CHAR         = 18,
  PG_OID_NAME         = 19,
  PG_OID_INT8         = 20,
  PG_OID_INT2         = 21,
  PG_OID_INT4         = 23,
  PG_OID_TEXT         = 25,
  PG_OID_OID          = 26,
  PG_OID_JSON         = 114,
  PG_OID_XML          = 142,
  PG_OID_FLOAT4       = 700,
  PG_OID_FLOAT8       = 701,
  PG_OID_UNKNOWN      = 705,
  PG_OID_BPCHAR       = 1042,
  PG_OID_VARCHAR      = 1043,
  PG_OID_DATE         = 1082,
  PG_OID_TIME         = 1083,
  PG_OID_TIMESTAMP    = 1114,
  PG_OID_TIMESTAMPTZ  = 1184,
  PG_OID_INTERVAL     = 1186,
  PG_OID_TIMETZ       = 1266,
  PG_OID_NUMERIC      = 1700,
  PG_OID_VOID         = 2278,
  PG_OID_UUID         = 2950,
  PG_OID_JSONB        = 3802,
};

/* Dates and times count from 2000-01-01. */
#define PG_EPOCH_DAYS  10957
#define PG_EPOCH_USEC  (PG_EPOCH_DAYS * G_GINT64_CONSTANT (86400000000))
