/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "sql/cupel-statement.h"

G_BEGIN_DECLS

/**
 * CupelParameters:
 *
 * Sets of named values for the binds of a statement: one set for one execution, more for a "many" execution.
 *
 * |[<!-- language="C" -->
 *   g_autoptr(CupelParameters) p = cupel_parameters_new ();
 *
 *   cupel_parameters_set_string (p, "name", "some name 1");
 *   cupel_parameters_next (p);
 *   cupel_parameters_set_string (p, "name", "some name 2");
 * ]|
 */
typedef struct _CupelParameters CupelParameters;

#define CUPEL_TYPE_PARAMETERS (cupel_parameters_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType            cupel_parameters_get_type     (void) G_GNUC_CONST;
CUPEL_AVAILABLE_IN_1_0
CupelParameters *cupel_parameters_new          (void);
CUPEL_AVAILABLE_IN_1_0
CupelParameters *cupel_parameters_ref          (CupelParameters  *parameters);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_unref        (CupelParameters  *parameters);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_next         (CupelParameters  *parameters);   /* ends this set, starts the next */
CUPEL_AVAILABLE_IN_1_0
guint            cupel_parameters_get_n_sets   (CupelParameters  *parameters);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_set_null     (CupelParameters  *parameters,
                                                const char       *name);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_set_boolean  (CupelParameters  *parameters,
                                                const char       *name,
                                                gboolean          value);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_set_int64    (CupelParameters  *parameters,
                                                const char       *name,
                                                gint64            value);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_set_double   (CupelParameters  *parameters,
                                                const char       *name,
                                                double            value);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_set_string   (CupelParameters  *parameters,
                                                const char       *name,
                                                const char       *value);        /* NULL: SQL NULL */
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_set_bytes    (CupelParameters  *parameters,
                                                const char       *name,
                                                GBytes           *value);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_set_datetime (CupelParameters  *parameters,
                                                const char       *name,
                                                GDateTime        *value);
CUPEL_AVAILABLE_IN_1_0
void             cupel_parameters_set          (CupelParameters  *parameters,
                                                const char       *name,
                                                CupelValue       *value);
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_parameters_set_gvalue   (CupelParameters  *parameters,
                                                const char       *name,
                                                const GValue     *value,
                                                GError          **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelParameters, cupel_parameters_unref)

G_END_DECLS
