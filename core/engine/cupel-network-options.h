/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-url.h"

G_BEGIN_DECLS

/**
 * CupelTlsMode:
 * @CUPEL_TLS_MODE_DISABLE: no TLS
 * @CUPEL_TLS_MODE_PREFER: TLS if the server offers it, with whomever; anybody in between can switch it off
 * @CUPEL_TLS_MODE_REQUIRE: TLS, with whomever
 * @CUPEL_TLS_MODE_VERIFY_CA: TLS, with a certificate that an authority that is trusted has signed
 * @CUPEL_TLS_MODE_VERIFY_FULL: the same, and the certificate is for the host of the URL
 *
 * How far a server on the network has to prove who it is.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_TLS_MODE_DISABLE,
  CUPEL_TLS_MODE_PREFER,
  CUPEL_TLS_MODE_REQUIRE,
  CUPEL_TLS_MODE_VERIFY_CA,
  CUPEL_TLS_MODE_VERIFY_FULL,
} CupelTlsMode;

#define CUPEL_TYPE_TLS_MODE (cupel_tls_mode_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType cupel_tls_mode_get_type (void) G_GNUC_CONST;

/**
 * CupelNetworkOptions: (skip)
 * @tls: how far the server has to prove who it is
 * @tls_ca: (nullable): a file of authorities that are trusted in place of the system's
 * @tls_cert: (nullable): a file with a certificate of one's own
 * @tls_key: (nullable): a file with its key
 * @tls_crl: (nullable): a file of certificates that were called back
 * @connect_timeout: seconds that making a connection may take; 0 for the engine's own
 * @use_environment: whether the client library may take what the URL leaves out from its environment and its own files
 *
 * The options of a URL that are the same for every driver of a server on a network. The strings belong to the URL.
 *
 * Since: 1.0
 */
typedef struct
{
  CupelTlsMode  tls;
  const char   *tls_ca;
  const char   *tls_cert;
  const char   *tls_key;
  const char   *tls_crl;
  guint         connect_timeout;
  gboolean      use_environment;
} CupelNetworkOptions;

CUPEL_AVAILABLE_IN_1_0
gboolean cupel_network_options_parse (CupelNetworkOptions  *options,
                                      CupelUrl             *url,
                                      gboolean              is_local,
                                      const char *const    *own_names,
                                      GError              **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_network_options_check_files
                                     (const CupelNetworkOptions *options,
                                      GError              **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_url_get_number        (const CupelUrl       *url,
                                      const char           *name,
                                      guint                 smallest,
                                      guint                 largest,
                                      guint                *number,
                                      GError              **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_url_get_boolean       (const CupelUrl       *url,
                                      const char           *name,
                                      gboolean             *value,
                                      GError              **error);

G_END_DECLS
