/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-log-private.h"

typedef struct
{
  char *message;
  char *topic;
  char *domain;
  GLogLevelFlags level;
} Entry;

static GLogWriterOutput
writer (GLogLevelFlags   level,
        const GLogField *fields,
        gsize            n_fields,
        gpointer         data)
{
  Entry *entry = data;

  entry->level = level;
  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_str_equal (fields[i].key, "MESSAGE"))
        entry->message = g_strdup (fields[i].value);
      else if (g_str_equal (fields[i].key, "CUPEL_TOPIC"))
        entry->topic = g_strdup (fields[i].value);
      else if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
        entry->domain = g_strdup (fields[i].value);
    }

  return G_LOG_WRITER_HANDLED;
}

static void
log_child (void)
{
  Entry entry = { NULL, };

  g_log_set_writer_func (writer, &entry, NULL);
  cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG, "%d of %s", 3, "them");
  g_assert_cmpstr (entry.message, ==, "3 of them");
  g_assert_cmpstr (entry.topic, ==, "pool");
  g_assert_cmpstr (entry.domain, ==, "Cupel");
  g_assert_cmpint (entry.level, ==, G_LOG_LEVEL_DEBUG);
  g_free (entry.message);
  g_free (entry.topic);
  g_free (entry.domain);

  g_assert_true (cupel_log_enabled (CUPEL_LOG_SQL, G_LOG_LEVEL_WARNING));
  g_assert_cmpint (cupel_log_enabled (CUPEL_LOG_SQL, G_LOG_LEVEL_DEBUG), ==, g_getenv ("TEST_LOG_DEBUG") != NULL);
}

/* The writer of a process is set once, and what it drops is read from the environment once. */
static void
test_log (gconstpointer domains)
{
  if (g_test_subprocess ())
    {
      log_child ();
      return;
    }

  if (domains != NULL)
    {
      g_setenv ("G_MESSAGES_DEBUG", domains, TRUE);
      g_setenv ("TEST_LOG_DEBUG", "1", TRUE);
    }
  else
    {
      g_unsetenv ("G_MESSAGES_DEBUG");
      g_unsetenv ("TEST_LOG_DEBUG");
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/runtime/log/quiet", NULL, test_log);
  g_test_add_data_func ("/runtime/log/verbose", "Cupel", test_log);

  return g_test_run ();
}
