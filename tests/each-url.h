/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>
#include <string.h>

/* The same test on each database: CUPEL_TEST_URLS names them, separated by spaces. Without it there is SQLite in memory. */
typedef struct
{
  GCallback  func;   /* the test; its type is the program's */
  char      *url;
} EachUrl;

static inline void
each_url_free (gpointer data)
{
  EachUrl *each = data;

  g_free (each->url);
  g_free (each);
}

/* Adds PATH/1-sqlite, PATH/2-postgresql and so on. @run gets an EachUrl. */
static inline void
each_url_add (const char    *path,
              GCallback      func,
              GTestDataFunc  run)
{
  const char *list = g_getenv ("CUPEL_TEST_URLS");
  g_auto(GStrv) urls = g_strsplit (list != NULL && *list != '\0' ? list : "sqlite://", " ", -1);

  for (guint u = 0; urls[u] != NULL; u++)
    {
      g_autofree char *scheme = g_strndup (urls[u], strcspn (urls[u], ":"));
      g_autofree char *full = g_strdup_printf ("%s/%u-%s", path, u + 1, scheme);
      EachUrl *each = g_new (EachUrl, 1);

      *each = (EachUrl) { func, g_strdup (urls[u]) };
      g_test_add_data_func_full (full, each, run, each_url_free);
    }
}
