/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define CUPEL_INSIDE
#include "sql/cupel-value-private.h"
#undef CUPEL_INSIDE

#include <math.h>
#include <string.h>

/* dates */

static void
test_datetime_text (void)
{
  static const struct { const char *text; gint64 microseconds; gboolean zone; const char *back; } good[] = {
    { "1970-01-01 00:00:00", 0, FALSE, NULL },
    { "1970-01-01", 0, FALSE, "1970-01-01 00:00:00" },
    { "1970-01-01T00:00", 0, FALSE, "1970-01-01 00:00:00" },
    { "1969-12-31 23:59:59.999999", -1, FALSE, NULL },
    { "2024-02-29 12:34:56.789", G_GINT64_CONSTANT (1709210096789000), FALSE, "2024-02-29 12:34:56.789000" },
    { "2000-02-29 00:00:00", G_GINT64_CONSTANT (951782400000000), FALSE, NULL },
    { "0001-01-01 00:00:00", G_GINT64_CONSTANT (-62135596800000000), FALSE, NULL },
    { "9999-12-31 23:59:59.999999", G_GINT64_CONSTANT (253402300799999999), FALSE, NULL },
    { "1970-01-01 00:00:00Z", 0, TRUE, "1970-01-01 00:00:00" },
    { "1970-01-01 01:30:00+01:30", 0, TRUE, "1970-01-01 00:00:00" },
    { "1970-01-01 00:00:00-08", G_GINT64_CONSTANT (28800000000), TRUE, "1970-01-01 08:00:00" },
    { "1970-01-01 00:00:00 +0100", G_GINT64_CONSTANT (-3600000000), TRUE, "1969-12-31 23:00:00" },
    { "1970-01-01 00:00:00.1234567899", 123456, FALSE, "1970-01-01 00:00:00.123456" },
    { "10000-01-01 00:00:00", G_GINT64_CONSTANT (253402300800000000), FALSE, NULL },
  };
  static const char *const bad[] = {
    "", "x", "1970", "1970-1-1", "1970-01-01 ", "1970-01-01 0:00", "1970-01-01 24:00:01", "2023-02-29", "1900-02-29",
    "1970-13-01", "1970-00-10", "1970-04-31", "1970-01-01 00:60", "1970-01-01 00:00:60", "1970-01-01 00:00:00.",
    "1970-01-01 00:00:00+", "1970-01-01 00:00:00+1", "1970-01-01 00:00:00+99", "1970-01-01 00:00:00 x", "0000-01-01",
    "0000-00-00 00:00:00", "-001-01-01", "9999999-01-01", "1970-01-01 00:00:00Zx",
  };
  char buffer[40];

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      gint64 microseconds;
      gboolean zone;

      g_assert_true (cupel_parse_datetime (good[i].text, strlen (good[i].text), &microseconds, &zone));
      g_assert_cmpint (microseconds, ==, good[i].microseconds);
      g_assert_cmpint (zone, ==, good[i].zone);
      g_assert_cmpuint (cupel_format_datetime (microseconds, buffer), ==, strlen (buffer));
      g_assert_cmpstr (buffer, ==, good[i].back != NULL ? good[i].back : good[i].text);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      gint64 microseconds;

      if (cupel_parse_datetime (bad[i], strlen (bad[i]), &microseconds, NULL))
        g_error ("\"%s\" was taken for a date", bad[i]);
    }
}

/* The form that nearly all dates have is read by other code than the same with a fraction of nothing: they must agree, whatever stands
 * in any of its places. */
static void
test_datetime_plain (void)
{
  static const char *const dates[] = { "2024-02-29 23:59:59", "1900-02-28 00:00:00", "0001-12-31 09:30:19" };

  for (guint i = 0; i < G_N_ELEMENTS (dates); i++)
    for (guint place = 0; place < 19; place++)
      for (guint c = 1; c < 256; c++)
        {
          char plain[20], full[24];
          gint64 one = 0, other = 0;
          gboolean zone = TRUE;
          gboolean ok;

          memcpy (plain, dates[i], sizeof plain);
          plain[place] = (char) c;
          g_snprintf (full, sizeof full, "%s.000", plain);
          ok = cupel_parse_datetime (plain, 19, &one, &zone);
          if (ok != cupel_parse_datetime (full, 23, &other, NULL))
            {
              /* What ends in a zone takes no fraction after it. */
              if (ok && zone)
                continue;
              g_error ("\"%s\" is %s", plain, ok ? "taken" : "refused");
            }
          g_assert_cmpint (one, ==, other);
          g_assert_true (!ok || !zone);
        }
}

static void
test_date_and_time_text (void)
{
  char buffer[40];
  gint64 value, other;

  g_assert_true (cupel_parse_date ("2024-02-29junk", 10, &value));
  g_assert_cmpint (value, ==, 19782);
  g_assert_false (cupel_parse_date ("2024-02-29 ", 11, &value));
  cupel_format_date (19782, buffer);
  g_assert_cmpstr (buffer, ==, "2024-02-29");
  cupel_format_date (-719162, buffer);
  g_assert_cmpstr (buffer, ==, "0001-01-01");

  g_assert_true (cupel_parse_time ("12:34:56.000001", 15, &value));
  g_assert_cmpint (value, ==, G_GINT64_CONSTANT (45296000001));
  g_assert_true (cupel_parse_time ("24:00:00", 8, &value));
  g_assert_false (cupel_parse_time ("24:00:01", 8, &value));
  g_assert_false (cupel_parse_time ("12", 2, &value));
  cupel_format_time (G_GINT64_CONSTANT (45296000001), buffer);
  g_assert_cmpstr (buffer, ==, "12:34:56.000001");
  cupel_format_time (-3600000000, buffer);
  g_assert_cmpstr (buffer, ==, "-01:00:00");

  /* the ends of what 64 bits hold fit the buffer */
  g_assert_cmpuint (cupel_format_datetime (G_MAXINT64, buffer), <, sizeof buffer);
  g_assert_cmpuint (cupel_format_datetime (G_MININT64, buffer), <, sizeof buffer);
  g_assert_cmpuint (cupel_format_date (G_MAXINT64, buffer), <, sizeof buffer);
  g_assert_cmpuint (cupel_format_date (G_MININT64, buffer), <, sizeof buffer);
  g_assert_cmpuint (cupel_format_time (G_MININT64, buffer), <, sizeof buffer);

  /* every day of four centuries and a few more there and back */
  for (gint64 days = -150000; days < 60000; days++)
    {
      gsize length = cupel_format_date (days, buffer);

      g_assert_true (cupel_parse_date (buffer, length, &other));
      g_assert_cmpint (other, ==, days);
    }
}

static void
test_date_time_objects (void)
{
  static const char *const texts[] = {
    "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2024-02-29T23:59:59.5Z",
    "9999-12-31T23:59:59.999999Z", "2024-07-01T12:00:00+02:00",
  };
  CupelCell cell = { .kind = CUPEL_CELL_DATETIME };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr(GDateTime) before = g_date_time_new_from_iso8601 (texts[i], NULL);
      g_autoptr(CupelValue) value = cupel_value_new_datetime (before);
      g_auto(GValue) gvalue = G_VALUE_INIT;
      GError *error = NULL;

      g_assert_true (cupel_cell_to_gvalue (cupel_value_get_cell (value), &gvalue, &error));
      g_assert_no_error (error);
      g_assert_true (G_VALUE_HOLDS (&gvalue, G_TYPE_DATE_TIME));
      g_assert_true (g_date_time_equal (before, g_value_get_boxed (&gvalue)));
    }

  cell.v.i64 = G_MAXINT64;
  {
    g_auto(GValue) gvalue = G_VALUE_INIT;
    g_autoptr(GError) error = NULL;

    g_assert_false (cupel_cell_to_gvalue (&cell, &gvalue, &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
    g_assert_false (G_IS_VALUE (&gvalue));
  }
}

/* values */

static void
test_values (void)
{
  g_autoptr(CupelValue) text = cupel_value_new_string ("grün");
  g_autoptr(CupelValue) same = cupel_value_new_string ("grün");
  g_autoptr(CupelValue) null = cupel_value_new_string (NULL);
  g_autoptr(CupelValue) other_null = cupel_value_new_null ();
  g_autoptr(CupelValue) number = cupel_value_new_int64 (5);
  g_autoptr(CupelValue) truth = cupel_value_new_boolean (7);
  g_autoptr(GBytes) bytes = g_bytes_new ("\0\1", 2);
  g_autoptr(CupelValue) binary = cupel_value_new_bytes (bytes);
  g_autoptr(CupelValue) copy = cupel_value_new_from_cell (cupel_value_get_cell (binary));

  g_assert_true (cupel_value_equal (text, same));
  g_assert_cmpuint (cupel_cell_hash (cupel_value_get_cell (text)), ==, cupel_cell_hash (cupel_value_get_cell (same)));
  g_assert_true (cupel_value_equal (null, other_null));
  g_assert_false (cupel_value_equal (null, text));
  g_assert_false (cupel_value_equal (number, truth));
  g_assert_cmpint (cupel_value_get_cell (truth)->v.i64, ==, 1);
  g_assert_true (cupel_value_equal (binary, copy));
  g_assert_cmpmem (cupel_value_get_cell (copy)->v.bytes, cupel_value_get_cell (copy)->length, "\0\1", 2);
}

static void
test_equal_and_hash (void)
{
  CupelCell a = { .kind = CUPEL_CELL_INT64, .v.i64 = 5 };
  CupelCell b = { .kind = CUPEL_CELL_UINT64, .v.u64 = 5 };
  CupelCell minus = { .kind = CUPEL_CELL_INT64, .v.i64 = -1 };
  CupelCell large = { .kind = CUPEL_CELL_UINT64, .v.u64 = G_MAXUINT64 };
  CupelCell zero = { .kind = CUPEL_CELL_DOUBLE, .v.f64 = 0.0 };
  CupelCell minus_zero = { .kind = CUPEL_CELL_DOUBLE, .v.f64 = -0.0 };
  CupelCell nan = { .kind = CUPEL_CELL_DOUBLE, .v.f64 = NAN };

  g_assert_true (cupel_cell_equal (&a, &b));
  g_assert_cmpuint (cupel_cell_hash (&a), ==, cupel_cell_hash (&b));
  g_assert_false (cupel_cell_equal (&minus, &large));
  g_assert_true (cupel_cell_equal (&zero, &minus_zero));
  g_assert_cmpuint (cupel_cell_hash (&zero), ==, cupel_cell_hash (&minus_zero));
  g_assert_true (cupel_cell_equal (&nan, &nan));
  g_assert_false (cupel_cell_equal (&nan, &zero));
}

static void
check_text (CupelValue *value,
            const char *text)
{
  g_autofree char *found = cupel_cell_to_string (cupel_value_get_cell (value));

  g_assert_cmpstr (found, ==, text);
  cupel_value_unref (value);
}

static void
test_to_string (void)
{
  g_autoptr(GBytes) bytes = g_bytes_new ("\xde\xad", 2);
  g_autoptr(GDateTime) date_time = g_date_time_new_utc (2024, 2, 29, 1, 2, 3.5);
  CupelCell uuid = { .kind = CUPEL_CELL_UUID, .length = 16, .v.text = "0123456789abcdef" };
  CupelCell timestamp = { .kind = CUPEL_CELL_TIMESTAMP };
  g_autofree char *uuid_text = cupel_cell_to_string (&uuid);
  g_autofree char *timestamp_text = cupel_cell_to_string (&timestamp);

  check_text (cupel_value_new_null (), "NULL");
  check_text (cupel_value_new_boolean (TRUE), "true");
  check_text (cupel_value_new_int64 (G_MININT64), "-9223372036854775808");
  check_text (cupel_value_new_double (0.1), "0.1");
  check_text (cupel_value_new_double (1.0 / 3), "0.3333333333333333");
  check_text (cupel_value_new_string ("x"), "x");
  check_text (cupel_value_new_bytes (bytes), "\\xdead");
  check_text (cupel_value_new_datetime (date_time), "2024-02-29 01:02:03.500000");
  g_assert_cmpstr (uuid_text, ==, "30313233-3435-3637-3839-616263646566");
  g_assert_cmpstr (timestamp_text, ==, "1970-01-01 00:00:00+00");
}

static void
test_validate (void)
{
  static const struct { CupelCell cell; const char *part; } cases[] = {
    { { .kind = CUPEL_CELL_TEXT, .length = 3, .v.text = "abc" }, NULL },
    { { .kind = CUPEL_CELL_TEXT, .length = 0, .v.text = "" }, NULL },
    { { .kind = CUPEL_CELL_TEXT, .length = 4, .v.text = "\xf0\x9f\x98\x80" }, NULL },
    { { .kind = CUPEL_CELL_TEXT, .length = 3, .v.text = "a\0b" }, "U+0000" },
    { { .kind = CUPEL_CELL_TEXT, .length = 2, .v.text = "\xc3\x28" }, "UTF-8" },
    { { .kind = CUPEL_CELL_TEXT, .length = 3, .v.text = "\xed\xa0\x80" }, "UTF-8" },
    { { .kind = CUPEL_CELL_JSON, .length = 1, .v.text = "\xff" }, "UTF-8" },
    { { .kind = CUPEL_CELL_TEXT, .length = 1, .v.text = cupel_text_too_long }, "4 GiB" },
    { { .kind = CUPEL_CELL_BYTES, .length = 1, .v.text = "\xff" }, NULL },
    { { .kind = CUPEL_CELL_DECIMAL, .length = 6, .v.text = "-12.50" }, NULL },
    { { .kind = CUPEL_CELL_DECIMAL, .length = 3, .v.text = "NaN" }, NULL },
    { { .kind = CUPEL_CELL_DECIMAL, .length = 4, .v.text = "1e-5" }, NULL },
    { { .kind = CUPEL_CELL_DECIMAL, .length = 1, .v.text = "-" }, "decimal" },
    { { .kind = CUPEL_CELL_DECIMAL, .length = 9, .v.text = "1; DROP x" }, "decimal" },
    { { .kind = CUPEL_CELL_UUID, .length = 4, .v.text = "1234" }, "UUID" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;
      gboolean good = cupel_cell_validate (&cases[i].cell, "colour", &error);

      g_assert_cmpint (good, ==, cases[i].part == NULL);
      if (good)
        continue;
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_assert_nonnull (strstr (error->message, cases[i].part));
      g_assert_nonnull (strstr (error->message, "colour"));
    }
}

/* GValues */

#define INTO(gtype, cell_expression, getter, expected)                        \
  G_STMT_START {                                                              \
    g_auto(GValue) gvalue_ = G_VALUE_INIT;                                    \
    GError *error_ = NULL;                                                    \
    CupelCell cell_ = cell_expression;                                        \
    g_value_init (&gvalue_, gtype);                                           \
    g_assert_true (cupel_cell_to_gvalue (&cell_, &gvalue_, &error_));         \
    g_assert_no_error (error_);                                               \
    g_assert_true (getter (&gvalue_) == (expected));                          \
  } G_STMT_END

#define NOT_INTO(gtype, cell_expression, secret)                              \
  G_STMT_START {                                                              \
    g_auto(GValue) gvalue_ = G_VALUE_INIT;                                    \
    g_autoptr(GError) error_ = NULL;                                          \
    CupelCell cell_ = cell_expression;                                        \
    g_value_init (&gvalue_, gtype);                                           \
    g_assert_false (cupel_cell_to_gvalue (&cell_, &gvalue_, &error_));        \
    g_assert_error (error_, CUPEL_ERROR, CUPEL_ERROR_DATA);                   \
    g_assert_null (strstr (error_->message, secret));                         \
  } G_STMT_END

#define INT(value)     { .kind = CUPEL_CELL_INT64, .v.i64 = (value) }
#define UINT(value)    { .kind = CUPEL_CELL_UINT64, .v.u64 = (value) }
#define DOUBLE(value)  { .kind = CUPEL_CELL_DOUBLE, .v.f64 = (value) }
#define TEXT(value)    { .kind = CUPEL_CELL_TEXT, .length = sizeof (value) - 1, .v.text = (value) }
#define DECIMAL(value) { .kind = CUPEL_CELL_DECIMAL, .length = sizeof (value) - 1, .v.text = (value) }

static void
test_to_gvalue (void)
{
  CupelCell null = { .kind = CUPEL_CELL_NULL };
  CupelCell text = TEXT ("x");
  CupelCell number = INT (77);
  g_auto(GValue) natural = G_VALUE_INIT;
  g_auto(GValue) natural_null = G_VALUE_INIT;
  g_auto(GValue) string = G_VALUE_INIT;
  g_auto(GValue) boxed = G_VALUE_INIT;

  INTO (G_TYPE_INT, INT (G_MAXINT), g_value_get_int, G_MAXINT);
  INTO (G_TYPE_INT, UINT (5), g_value_get_int, 5);
  INTO (G_TYPE_INT, DOUBLE (-3), g_value_get_int, -3);
  INTO (G_TYPE_INT64, DECIMAL ("12.00"), g_value_get_int64, 12);
  INTO (G_TYPE_UINT64, UINT (G_MAXUINT64), g_value_get_uint64, G_MAXUINT64);
  INTO (G_TYPE_UINT, INT (G_MAXUINT), g_value_get_uint, G_MAXUINT);
  INTO (G_TYPE_BOOLEAN, INT (1), g_value_get_boolean, TRUE);
  INTO (G_TYPE_DOUBLE, INT (3), g_value_get_double, 3.0);
  INTO (G_TYPE_DOUBLE, DECIMAL ("1.25"), g_value_get_double, 1.25);
  INTO (G_TYPE_FLOAT, DOUBLE (0.5), g_value_get_float, 0.5f);
  INTO (G_TYPE_CHAR, INT (-128), g_value_get_schar, -128);
  INTO (G_TYPE_UCHAR, INT (255), g_value_get_uchar, 255);
  INTO (G_TYPE_INT, { .kind = CUPEL_CELL_NULL }, g_value_get_int, 0);

  NOT_INTO (G_TYPE_INT, INT (G_GINT64_CONSTANT (98765432109)), "98765432109");
  NOT_INTO (G_TYPE_UINT, INT (-1234), "1234");
  NOT_INTO (G_TYPE_INT64, UINT (G_MAXUINT64), "18446744073709551615");
  NOT_INTO (G_TYPE_INT64, DOUBLE (1.5), "1.5");
  NOT_INTO (G_TYPE_INT64, DOUBLE (9223372036854775808.0), "9223");
  NOT_INTO (G_TYPE_INT64, DOUBLE (NAN), "123");
  NOT_INTO (G_TYPE_INT64, DECIMAL ("12.5"), "12.5");
  NOT_INTO (G_TYPE_INT64, DECIMAL ("99999999999999999999"), "9999");
  NOT_INTO (G_TYPE_INT, TEXT ("7654"), "7654");
  NOT_INTO (G_TYPE_BOOLEAN, INT (2345), "2345");
  NOT_INTO (G_TYPE_CHAR, INT (128), "128");
  NOT_INTO (G_TYPE_UCHAR, INT (256), "256");
  NOT_INTO (G_TYPE_FLOAT, DOUBLE (1e300), "1e300");
  NOT_INTO (G_TYPE_DATE_TIME, TEXT ("secret"), "secret");
  NOT_INTO (G_TYPE_BYTES, INT (4321), "4321");
  NOT_INTO (G_TYPE_STRV, TEXT ("secret"), "secret");
  NOT_INTO (G_TYPE_OBJECT, INT (4321), "4321");

  g_assert_true (cupel_cell_to_gvalue (&number, &natural, NULL));
  g_assert_true (G_VALUE_HOLDS_INT64 (&natural));
  g_assert_true (cupel_cell_to_gvalue (&null, &natural_null, NULL));
  g_assert_true (G_VALUE_HOLDS_POINTER (&natural_null));
  g_assert_null (g_value_get_pointer (&natural_null));

  g_value_init (&string, G_TYPE_STRING);
  g_assert_true (cupel_cell_to_gvalue (&number, &string, NULL));
  g_assert_cmpstr (g_value_get_string (&string), ==, "77");
  g_assert_true (cupel_cell_to_gvalue (&null, &string, NULL));
  g_assert_null (g_value_get_string (&string));

  g_value_init (&boxed, CUPEL_TYPE_VALUE);
  g_assert_true (cupel_cell_to_gvalue (&text, &boxed, NULL));
  g_assert_true (cupel_cell_equal (cupel_value_get_cell (g_value_get_boxed (&boxed)), &text));
}

/* A string as the SQL type asks for it. */
static int
from_string (CupelRowBlock *block,
             CupelCell     *cell,
             CupelSqlKind   kind,
             const char    *text,
             GError       **error)
{
  g_autoptr(CupelSqlType) type = cupel_sql_type_new (kind);
  g_auto(GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, text);
  if (!cupel_cell_from_gvalue (block, cell, type, &value, error))
    return -1;

  return cell->kind;
}

static int
from_int64 (CupelRowBlock *block,
            CupelCell     *cell,
            CupelSqlKind   kind,
            gint64         number,
            GError       **error)
{
  g_autoptr(CupelSqlType) type = cupel_sql_type_new (kind);
  g_auto(GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, number);
  if (!cupel_cell_from_gvalue (block, cell, type, &value, error))
    return -1;

  return cell->kind;
}

static void
test_from_gvalue (void)
{
  static const struct { CupelSqlKind kind; const char *text; } bad_texts[] = {
    { CUPEL_SQL_INT64, "1" }, { CUPEL_SQL_BOOLEAN, "true" }, { CUPEL_SQL_DATE, "2023-02-29" }, { CUPEL_SQL_TIME, "25:00" },
    { CUPEL_SQL_DATETIME, "now" }, { CUPEL_SQL_UUID, "xyz" }, { CUPEL_SQL_NUMERIC, "1.2.3" }, { CUPEL_SQL_BYTES, "x" },
    { CUPEL_SQL_TEXT, "\xff" }, { CUPEL_SQL_JSON, "\xc0\x80" }, { CUPEL_SQL_DOUBLE, "1.0" },
  };
  static const struct { CupelSqlKind kind; gint64 number; gboolean good; } numbers[] = {
    { CUPEL_SQL_INT16, 32767, TRUE }, { CUPEL_SQL_INT16, 32768, FALSE }, { CUPEL_SQL_INT16, -32768, TRUE },
    { CUPEL_SQL_INT32, G_MAXINT32, TRUE }, { CUPEL_SQL_INT32, (gint64) G_MAXINT32 + 1, FALSE },
    { CUPEL_SQL_INT64, G_MININT64, TRUE }, { CUPEL_SQL_BOOLEAN, 1, TRUE }, { CUPEL_SQL_BOOLEAN, 2, FALSE },
    { CUPEL_SQL_NUMERIC, 5, TRUE }, { CUPEL_SQL_DOUBLE, 5, TRUE }, { CUPEL_SQL_TEXT, 5, FALSE },
    { CUPEL_SQL_TIME, 5, TRUE }, { CUPEL_SQL_TIME, -5, FALSE }, { CUPEL_SQL_DATE, 5, FALSE },
  };
  CupelRowBlock *block = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (block);
  GError *error = NULL;
  g_auto(GValue) unset = G_VALUE_INIT;
  g_auto(GValue) object = G_VALUE_INIT;

  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_STRING, "ü", &error), ==, CUPEL_CELL_TEXT);
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_STRING, NULL, &error), ==, CUPEL_CELL_NULL);
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_INT64, NULL, &error), ==, CUPEL_CELL_NULL);
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_DATE, "2024-02-29", &error), ==, CUPEL_CELL_DATE);
  g_assert_cmpint (cell->v.i64, ==, 19782);
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_TIME, "00:00:01", &error), ==, CUPEL_CELL_TIME);
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_TIMESTAMP, "1970-01-01T01:00:00+01:00", &error), ==,
                   CUPEL_CELL_TIMESTAMP);
  g_assert_cmpint (cell->v.i64, ==, 0);
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_NUMERIC, "1.20", &error), ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpstr (cell->v.text, ==, "1.20");
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_JSON, "{}", &error), ==, CUPEL_CELL_JSON);
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_UUID, "30313233-3435-3637-3839-616263646566", &error), ==,
                   CUPEL_CELL_UUID);
  g_assert_cmpmem (cell->v.bytes, cell->length, "0123456789abcdef", 16);
  g_assert_cmpint (from_string (block, cell, CUPEL_SQL_UUID, "30313233343536373839616263646566", &error), ==, CUPEL_CELL_UUID);
  g_assert_no_error (error);

  for (guint i = 0; i < G_N_ELEMENTS (bad_texts); i++)
    {
      g_assert_cmpint (from_string (block, cell, bad_texts[i].kind, bad_texts[i].text, &error), ==, -1);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_clear_error (&error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      gboolean good = from_int64 (block, cell, numbers[i].kind, numbers[i].number, &error) != -1;

      g_assert_cmpint (good, ==, numbers[i].good);
      if (!good)
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_clear_error (&error);
    }

  g_assert_true (cupel_cell_from_gvalue (block, cell, NULL, &unset, &error));
  g_assert_cmpint (cell->kind, ==, CUPEL_CELL_NULL);
  g_value_init (&object, G_TYPE_STRV);
  g_value_take_boxed (&object, g_strsplit ("a b", " ", -1));
  g_assert_false (cupel_cell_from_gvalue (block, cell, NULL, &object, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  cupel_row_block_unref (block);
}

static void
test_value_from_gvalue (void)
{
  g_auto(GValue) gvalue = G_VALUE_INIT;
  g_auto(GValue) boxed = G_VALUE_INIT;
  g_autoptr(CupelValue) value = NULL, same = NULL;
  GError *error = NULL;

  g_value_init (&gvalue, G_TYPE_STRING);
  g_value_set_string (&gvalue, "text");
  value = cupel_value_new_from_gvalue (&gvalue, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (cupel_value_get_cell (value)->v.text, ==, "text");

  g_value_init (&boxed, CUPEL_TYPE_VALUE);
  g_value_set_boxed (&boxed, value);
  same = cupel_value_new_from_gvalue (&boxed, &error);
  g_assert_no_error (error);
  g_assert_true (same == value);

  g_value_set_string (&gvalue, "\xff");
  g_assert_null (cupel_value_new_from_gvalue (&gvalue, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_clear_error (&error);
}

static void
test_types (void)
{
  g_autoptr(CupelSqlType) plain = cupel_sql_type_new (CUPEL_SQL_STRING);
  g_autoptr(CupelSqlType) unsized = cupel_sql_type_new_sized (CUPEL_SQL_STRING, 0);
  g_autoptr(CupelSqlType) sized = cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50);
  g_autoptr(CupelSqlType) numeric = cupel_sql_type_new_numeric (10, 2);
  g_autoptr(CupelSqlType) again = cupel_sql_type_ref (sized);

  g_assert_true (plain == unsized);
  g_assert_cmpuint (cupel_sql_type_get_length (sized), ==, 50);
  g_assert_cmpint (cupel_sql_type_get_kind (again), ==, CUPEL_SQL_STRING);
  g_assert_cmpint (cupel_sql_type_get_kind (numeric), ==, CUPEL_SQL_NUMERIC);
  g_assert_cmpuint (cupel_sql_type_get_precision (numeric), ==, 10);
  g_assert_cmpuint (cupel_sql_type_get_scale (numeric), ==, 2);
  g_assert_cmpuint (cupel_sql_type_get_precision (plain), ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sql/value/datetime-text", test_datetime_text);
  g_test_add_func ("/sql/value/datetime-plain", test_datetime_plain);
  g_test_add_func ("/sql/value/date-and-time-text", test_date_and_time_text);
  g_test_add_func ("/sql/value/date-time-objects", test_date_time_objects);
  g_test_add_func ("/sql/value/values", test_values);
  g_test_add_func ("/sql/value/equal-and-hash", test_equal_and_hash);
  g_test_add_func ("/sql/value/to-string", test_to_string);
  g_test_add_func ("/sql/value/validate", test_validate);
  g_test_add_func ("/sql/value/to-gvalue", test_to_gvalue);
  g_test_add_func ("/sql/value/from-gvalue", test_from_gvalue);
  g_test_add_func ("/sql/value/value-from-gvalue", test_value_from_gvalue);
  g_test_add_func ("/sql/value/types", test_types);

  return g_test_run ();
}
