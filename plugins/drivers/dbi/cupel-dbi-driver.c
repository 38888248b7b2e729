/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libdbi under any of the dialects that it has a driver for: "postgresql+dbi://", "mysql+dbi://", "sqlite+dbi://". */

#include "cupel-dbi-private.h"

#define CUPEL_TYPE_DBI_DRIVER (cupel_dbi_driver_get_type ())
G_DECLARE_FINAL_TYPE (CupelDbiDriver, cupel_dbi_driver, CUPEL, DBI_DRIVER, CupelDriver)

struct _CupelDbiDriver
{
  CupelDriver parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelDbiDriver, cupel_dbi_driver, CUPEL_TYPE_DRIVER)

static const CupelDbiBackend *
find_backend (CupelDriver  *self,
              GError      **error)
{
  CupelDialect *dialect = cupel_driver_get_dialect (self);
  const char *name = dialect != NULL ? cupel_dialect_get_name (dialect) : NULL;
  const CupelDbiBackend *backend = name != NULL ? cupel_dbi_find_backend (name) : NULL;

  if (backend == NULL)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                 "The driver \"dbi\" serves the dialects postgresql, mysql and sqlite, not \"%s\"", name != NULL ? name : "none");
  return backend;
}

static gboolean
cupel_dbi_driver_configure (CupelDriver  *self,
                            CupelUrl     *url,
                            GError      **error)
{
  const CupelDbiBackend *backend = find_backend (self, error);
  CupelDbiSettings settings = { 0 };
  gboolean ok;

  if (backend == NULL)
    return FALSE;
  ok = cupel_dbi_settings_init (&settings, backend, url, NULL, error);
  cupel_dbi_settings_clear (&settings);
  return ok;
}

static CupelDriverConnection *
cupel_dbi_driver_connect (CupelDriver          *self,
                          CupelUrl             *url,
                          const CupelEndpoint  *endpoint,
                          gint64                deadline,
                          GCancellable         *cancellable,
                          GError              **error)
{
  const CupelDbiBackend *backend = find_backend (self, error);

  if (backend == NULL)
    return NULL;
  return cupel_dbi_connection_open (backend, cupel_driver_get_dialect (self), url, endpoint, deadline, cancellable, error);
}

/* A database in memory is its connection's own: there is just one. */
static const char *
cupel_dbi_driver_choose_pool (CupelDriver *self,
                              CupelUrl    *url)
{
  return find_backend (self, NULL) == &cupel_dbi_sqlite3 && cupel_dbi_url_is_memory (url) ? "static" : NULL;
}

static void
cupel_dbi_driver_class_init (CupelDbiDriverClass *klass)
{
  CupelDriverClass *driver_class = CUPEL_DRIVER_CLASS (klass);

  driver_class->name = "dbi";
  driver_class->configure = cupel_dbi_driver_configure;
  driver_class->connect = cupel_dbi_driver_connect;
  driver_class->choose_pool = cupel_dbi_driver_choose_pool;
}

static void
cupel_dbi_driver_init (CupelDbiDriver *self)
{
}

CUPEL_PLUGIN_DEFINE (DRIVER, driver, dbi, "dbi", NULL, CUPEL_VERSION_STRING, cupel_dbi_driver_get_type)
