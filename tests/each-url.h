/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

#include <string.h>

/* The same test on each database: CUPEL_TEST_URLS names them, separated by spaces. Without it there is SQLite in memory. */
typedef struct
{
  GCallback     func;   /* the test; its type is the program's */
  char         *url;
  CupelRunFunc  run;    /* of each_url_main () */
} EachUrl;

static inline void
each_url_free (gpointer data)
{
  EachUrl *each = data;

  g_free (each->url);
  g_free (each);
}

/* Adds PATH/1-sqlite, PATH/2-postgresql and so on. @test gets an EachUrl. */
static inline void
each_url_add (const char    *path,
                   GCallback      func,
                   GTestDataFunc  test,
                   CupelRunFunc   run)
{
  const char *list = g_getenv ("CUPEL_TEST_URLS");
  g_auto(GStrv) urls = g_strsplit (list != NULL && *list != '\0' ? list : "sqlite://", " ", -1);

  for (guint u = 0; urls[u] != NULL; u++)
    {
      g_autofree char *scheme = g_strndup (urls[u], strcspn (urls[u], ":"));
      g_autofree char *full = g_strdup_printf ("%s/%u-%s", path, u + 1, scheme);
      EachUrl *each = g_new (EachUrl, 1);

      *each = (EachUrl) { func, g_strdup (urls[u]), run };
      g_test_add_data_func_full (full, each, test, each_url_free);
    }
}

static inline void
each_url_run (gconstpointer data)
{
  const EachUrl *each = data;
  g_autoptr(GError) error = NULL;

  cupel_run (each->run, (gpointer) each, NULL, &error);
  g_assert_no_error (error);
}

typedef struct
{
  const char    *path;
  GCallback      func;
  GTestDataFunc  outside;   /* instead of @func: gets the EachUrl, without a fiber */
} EachUrlTest;

/* Each of @tests in a fiber, on each database, and what else was added. @run gets an EachUrl, makes what its func wants, and calls it. */
static inline int
each_url_test_run (const EachUrlTest *tests,
                   gsize              n_tests,
                   CupelRunFunc       run)
{
  for (gsize i = 0; i < n_tests; i++)
    each_url_add (tests[i].path, tests[i].func, tests[i].outside != NULL ? tests[i].outside : each_url_run, run);
  return g_test_run ();
}
