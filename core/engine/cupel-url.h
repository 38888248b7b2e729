/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-error.h"

G_BEGIN_DECLS

/**
 * CupelUrl:
 *
 * `dialect[+driver]://user:password@host:port/database?option=value`. Immutable, reference-counted. It never prints its
 * password.
 */
typedef struct _CupelUrl CupelUrl;

#define CUPEL_TYPE_URL (cupel_url_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType        cupel_url_get_type      (void) G_GNUC_CONST;
CUPEL_AVAILABLE_IN_1_0
CupelUrl    *cupel_url_new           (const char      *url,
                                      GError         **error);
CUPEL_AVAILABLE_IN_1_0
CupelUrl    *cupel_url_ref           (CupelUrl        *url);
CUPEL_AVAILABLE_IN_1_0
void         cupel_url_unref         (CupelUrl        *url);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_url_get_dialect   (const CupelUrl  *url);    /* "postgresql" */
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_url_get_driver    (const CupelUrl  *url);    /* (nullable): the dialect's own */
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_url_get_user      (const CupelUrl  *url);    /* (nullable), decoded, as all below */
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_url_get_password  (const CupelUrl  *url);    /* (nullable) (skip): for drivers */
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_url_get_host      (const CupelUrl  *url);    /* (nullable): a DNS name, an address, or an absolute path (percent-encoded in the URL, or ?host=/path) */
CUPEL_AVAILABLE_IN_1_0
int          cupel_url_get_port      (const CupelUrl  *url);    /* -1: none */
CUPEL_AVAILABLE_IN_1_0
guint        cupel_url_get_n_hosts   (const CupelUrl  *url);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_url_get_nth_host  (const CupelUrl  *url,
                                      guint            nth,
                                      int             *port);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_url_get_database  (const CupelUrl  *url);    /* (nullable): "sqlite:///rel" is "rel", "sqlite:////abs" is "/abs" */
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_url_get_option    (const CupelUrl  *url,
                                      const char      *name);   /* (nullable) */
CUPEL_AVAILABLE_IN_1_0
const char *const *cupel_url_get_option_names (const CupelUrl *url);   /* NULL-terminated */
CUPEL_AVAILABLE_IN_1_0
char        *cupel_url_to_string     (const CupelUrl  *url);    /* "***" for the password */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelUrl, cupel_url_unref)

G_END_DECLS
