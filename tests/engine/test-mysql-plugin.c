/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The module as it is loaded. */

#include <cupel-dialect.h>

static void
test_other_name (void)
{
  g_autoptr(GError) error = NULL;
  GType mysql = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "mysql", CUPEL_TYPE_DIALECT, &error);
  GType mariadb = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "mariadb", CUPEL_TYPE_DIALECT, &error);

  g_assert_no_error (error);
  g_assert_true (mysql == mariadb);
  g_assert_true (g_type_is_a (mysql, CUPEL_TYPE_DIALECT));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/mysql/plugin/other-name", test_other_name);
  return g_test_run ();
}
