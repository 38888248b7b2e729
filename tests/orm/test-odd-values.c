/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session-fixture.h"

/* What a column holds and an attribute cannot: the error says where it is and what it is. And dates that could not be read back. */

CUPEL_DECLARE_ENTITY (Odd, odd)

struct _Odd
{
  CupelEntity parent_instance;
  gint64 id;
  GDateTime *at;
  GDate *day;
  gboolean flag;
  double number;
};

static void
odd_class_init (gpointer klass,
                gpointer data)
{
  static const CupelColumnSpec columns[] = {
    CUPEL_COLUMN (Odd, id, INT64, .primary_key = TRUE),
    CUPEL_COLUMN (Odd, at, DATETIME, .column = "held_at"),
    CUPEL_COLUMN (Odd, day, DATE),
    CUPEL_COLUMN (Odd, flag, BOOLEAN),
    CUPEL_COLUMN (Odd, number, DOUBLE),
  };

  cupel_entity_class_map (klass, "odd", columns, G_N_ELEMENTS (columns), NULL, 0);
}

GType
odd_get_type (void)
{
  static gsize type_id;

  if (g_once_init_enter (&type_id))
    g_once_init_leave (&type_id, cupel_entity_type_register ("Odd", sizeof (Odd), odd_class_init));
  return type_id;
}

static void
with_table (Fixture *f,
            TestFunc func)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (odd_get_type (), G_TYPE_INVALID);

  g_assert_true (cupel_engine_drop_all (f->engine, metadata, NULL, &error));
  g_assert_true (cupel_engine_create_all (f->engine, metadata, NULL, &error));
  func (f);
  rollback (f->session);
  g_assert_true (cupel_engine_drop_all (f->engine, metadata, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
is_database (Fixture    *f,
             const char *names)
{
  return strstr (names, cupel_dialect_get_name (cupel_engine_get_dialect (f->engine))) != NULL;
}

static const struct
{
  const char *databases;   /* that take it */
  const char *column;
  const char *value;
  const char *parts[3];    /* of the message */
} held[] = {
  { "sqlite postgresql", "held_at", "12024-01-01 00:00:00", { "Odd.at:", "column \"held_at\" holds “12024-01-01 00:00:00”", "1 to 9999" } },
  { "sqlite", "held_at", "0000-12-31 10:00:00", { "Odd.at:", "“0000-12-31 10:00:00”", "1 to 9999" } },
  { "mysql", "held_at", "0000-12-31 10:00:00", { "Odd.at:", "0000-12-31", "1 to 9999" } },
  { "postgresql", "held_at", "0044-03-15 00:00:00 BC", { "Odd.at:", "column \"held_at\" holds", "1 to 9999" } },
  { "sqlite postgresql", "held_at", "infinity", { "Odd.at:", "“infinity”", "1 to 9999" } },
  { "sqlite", "held_at", "a text that nobody would take for a date and a time",
    { "Odd.at:", "“a text that nobody would take for a date…”", "1 to 9999" } },
  { "sqlite", "day", "today", { "Odd.day:", "column \"day\" holds “today”", "1 to 65535" } },
  { "sqlite postgresql", "day", "70000-01-01", { "Odd.day:", "“70000-01-01”", "1 to 65535" } },
  { "sqlite", "flag", "maybe", { "Odd.flag:", "column \"flag\" holds “maybe”", "no boolean" } },
  { "sqlite", "number", "many", { "Odd.number:", "column \"number\" holds “many”", "no double" } },
};

static void
run_held (Fixture *f)
{
  for (gsize i = 0; i < G_N_ELEMENTS (held); i++)
    {
      g_autofree char *insert = g_strdup_printf ("INSERT INTO odd (id, %s) VALUES (7, '%s')", held[i].column, held[i].value);
      g_autoptr(CupelSelect) select = cupel_entity_select (odd_get_type ());
      g_autoptr(CupelResult) result = NULL;
      g_autoptr(GError) error = NULL;

      if (!is_database (f, held[i].databases))
        continue;
      execute (f->session, "DELETE FROM odd");
      execute (f->session, insert);
      result = cupel_session_scalars (f->session, select, NULL, &error);
      g_assert_null (result);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_test_message ("%s", error->message);
      for (gsize part = 0; part < G_N_ELEMENTS (held[i].parts); part++)
        g_assert_nonnull (strstr (error->message, held[i].parts[part]));
      g_assert_nonnull (strstr (error->message, "in the row with id = “7”"));
    }
}

static void
test_held (Fixture *f)
{
  with_table (f, run_held);
}

/* A zone can put a date beyond the years that there are. */
static void
run_zones (Fixture *f)
{
  g_autoptr(GTimeZone) east = g_time_zone_new_offset (14 * 3600);
  g_autoptr(GTimeZone) west = g_time_zone_new_offset (-12 * 3600);
  g_autoptr(GDateTime) first = g_date_time_new (east, 1, 1, 1, 0, 0, 0);
  g_autoptr(GDateTime) last = g_date_time_new (west, 9999, 12, 31, 23, 0, 0);
  GDateTime *const dates[] = { first, last };

  for (gsize i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      g_autoptr(Odd) odd = g_object_new (odd_get_type (), "id", (gint64) 1, "at", dates[i], NULL);
      g_auto(GValue) value = G_VALUE_INIT;
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(GError) error = NULL;

      add (f->session, odd);
      g_assert_false (cupel_session_flush (f->session, NULL, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_assert_nonnull (strstr (error->message, "Odd.at"));
      g_assert_nonnull (strstr (error->message, "1 to 9999"));
      g_clear_error (&error);
      rollback (f->session);

      g_value_init (&value, G_TYPE_DATE_TIME);
      g_value_set_boxed (&value, dates[i]);
      g_assert_false (cupel_parameters_set_gvalue (parameters, "at", &value, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, "\"at\""));
      g_assert_nonnull (strstr (error->message, "1 to 9999"));
    }
}

static void
test_zones (Fixture *f)
{
  with_table (f, run_zones);
}

/* Whoever keeps fewer years than others says which; nothing is written that would be something else. */
static void
run_years (Fixture *f)
{
  static const struct
  {
    int         year;
    int         zone;         /* in hours, for a date with a time; 0: without */
    const char *refused_by;
  } years[] = {
    { 1, 0, "" },
    { 9999, 0, "" },
    { 65535, 0, "sqlite mysql" },
    { 1, -12, "" },
    { 1, 14, "sqlite" },
    { 9999, 14, "" },
    { 9999, -12, "sqlite mysql" },
  };
  CupelTable *table = cupel_mapper_get_table (cupel_mapper_for_type (odd_get_type (), NULL));

  for (gsize i = 0; i < G_N_ELEMENTS (years); i++)
    {
      const char *column = years[i].zone == 0 ? "day" : "held_at";
      g_autoptr(CupelInsert) insert = cupel_insert_new (table);
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelResult) result = NULL;
      g_autoptr(GError) error = NULL;

      cupel_insert_add_column (insert, cupel_table_get_column (table, "id"));
      cupel_insert_add_column (insert, cupel_table_get_column (table, column));
      cupel_parameters_set_int64 (parameters, "id", 1);
      if (years[i].zone == 0)
        {
          g_auto(GValue) value = G_VALUE_INIT;

          g_value_init (&value, G_TYPE_DATE);
          g_value_take_boxed (&value, g_date_new_dmy (31, 12, (GDateYear) years[i].year));
          g_assert_true (cupel_parameters_set_gvalue (parameters, column, &value, &error));
        }
      else
        {
          g_autoptr(GTimeZone) zone = g_time_zone_new_offset (years[i].zone * 3600);
          g_autoptr(GDateTime) at = years[i].year == 1 ? g_date_time_new (zone, 1, 1, 1, 0, 0, 0)
                                                       : g_date_time_new (zone, years[i].year, 12, 31, 23, 0, 0);

          cupel_parameters_set_datetime (parameters, column, at);
        }
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (insert), parameters, NULL, &error);
      g_test_message ("year %d, zone %d: %s", years[i].year, years[i].zone, error != NULL ? error->message : "taken");
      if (is_database (f, years[i].refused_by))
        {
          g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
          g_assert_nonnull (strstr (error->message, "parameter 2"));
          g_assert_nonnull (strstr (error->message, "to 9999"));
        }
      else
        {
          g_assert_no_error (error);
        }
      rollback (f->session);
    }
}

static void
test_years (Fixture *f)
{
  with_table (f, run_years);
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/odd-values/held", G_CALLBACK (test_held) },
    { "/orm/odd-values/zones", G_CALLBACK (test_zones) },
    { "/orm/odd-values/years", G_CALLBACK (test_years) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
