/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks for the driver "zoo-good" and tells how that ended; test-plugin.c runs it with more rights than its user has. */

#include <cupel-dialect.h>

#include <sys/auxv.h>

int
main (void)
{
  g_autoptr(GError) error = NULL;
  /* Not CUPEL_TYPE_DRIVER: that of this program is not the one of the shared library that the module brings. */
  GType type = cupel_plugin_find (CUPEL_PLUGIN_DRIVER, "zoo-good", G_TYPE_OBJECT, &error);

  g_print ("secure %d, found %d, code %d: %s\n", getauxval (AT_SECURE) != 0, type != G_TYPE_INVALID,
           error != NULL ? error->code : -1, error != NULL ? error->message : "");
  return 0;
}
