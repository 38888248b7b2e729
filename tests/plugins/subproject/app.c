/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel.h>

int
main (void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) url = cupel_url_new ("sample://host/database", &error);

  return url != NULL && g_strcmp0 (cupel_url_get_database (url), "database") == 0 ? 0 : 1;
}
