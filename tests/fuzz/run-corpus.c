/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In place of libFuzzer: each file of a folder once, and once without its end, for every end. */

#include <glib.h>

#include "fuzz.h"

static void
run_file (gconstpointer path)
{
  g_autofree char *content = NULL;
  g_autoptr(GError) error = NULL;
  gsize length;

  g_file_get_contents (path, &content, &length, &error);
  g_assert_no_error (error);
  for (gsize n = 0; n <= length; n++)
    g_assert_cmpint (LLVMFuzzerTestOneInput ((const uint8_t *) content, n), ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GDir) folder = NULL;
  g_autoptr(GError) error = NULL;
  const char *name;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  folder = g_dir_open (argv[1], 0, &error);
  g_assert_no_error (error);
  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_strconcat ("/corpus/", name, NULL);

      g_test_add_data_func_full (path, g_build_filename (argv[1], name, NULL), run_file, g_free);
    }
  return g_test_run ();
}
