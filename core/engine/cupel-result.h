/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-parameters.h"

G_BEGIN_DECLS

/**
 * CupelResult:
 *
 * A buffered result: reading it does no I/O, and it outlives its connection. It is consumed once, row by row:
 *
 * |[<!-- language="C" -->
 *   while (cupel_result_step (result))
 *     g_print ("%" G_GINT64_FORMAT " %s\n", cupel_result_get_int64 (result, 0), cupel_result_get_string (result, 1));
 * ]|
 *
 * or, when its first column is a mapped class, entity by entity with cupel_result_next().
 */
#define CUPEL_TYPE_RESULT (cupel_result_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelResult, cupel_result, CUPEL, RESULT, GObject)

/**
 * CupelRow:
 *
 * One row, detached from its result: for scripts, lists and one-row answers.
 */
typedef struct _CupelRow CupelRow;

#define CUPEL_TYPE_ROW (cupel_row_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType        cupel_row_get_type              (void) G_GNUC_CONST;
CUPEL_AVAILABLE_IN_1_0
CupelRow    *cupel_row_ref                   (CupelRow     *self);
CUPEL_AVAILABLE_IN_1_0
void         cupel_row_unref                 (CupelRow     *self);
CUPEL_AVAILABLE_IN_1_0
guint        cupel_row_get_n_columns         (CupelRow     *self);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_row_get_column_name       (CupelRow     *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_row_is_null               (CupelRow     *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
gint64       cupel_row_get_int64             (CupelRow     *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
double       cupel_row_get_double            (CupelRow     *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_row_get_string            (CupelRow     *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
GDateTime   *cupel_row_dup_datetime          (CupelRow     *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_row_get_value             (CupelRow     *self,
                                              guint         column,
                                              GValue       *value);     /* (out caller-allocates) zeroed: natural type; SQL NULL gives FALSE and leaves it unset */
CUPEL_AVAILABLE_IN_1_0
char        *cupel_row_to_string             (CupelRow     *self);       /* "(1, 'some name 1')" */

CUPEL_AVAILABLE_IN_1_0
guint        cupel_result_get_n_columns      (CupelResult  *self);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_result_get_column_name    (CupelResult  *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
int          cupel_result_find_column        (CupelResult  *self,
                                              const char   *name);      /* -1: none or ambiguous */
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_result_returns_rows       (CupelResult  *self);
CUPEL_AVAILABLE_IN_1_0
guint        cupel_result_get_n_rows         (CupelResult  *self);    /* not yet consumed ones included and counted once: of the whole result */
CUPEL_AVAILABLE_IN_1_0
gint64       cupel_result_get_row_count      (CupelResult  *self);    /* rows matched by INSERT, UPDATE, DELETE; -1: not known */
CUPEL_AVAILABLE_IN_1_0
gint64       cupel_result_get_last_insert_id (CupelResult  *self);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_result_is_closed          (CupelResult  *self);    /* consumed or closed */
CUPEL_AVAILABLE_IN_1_0
void         cupel_result_close              (CupelResult  *self);

/* rows */
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_result_step               (CupelResult  *self);    /* to the next row; FALSE at the end */
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_result_is_null            (CupelResult  *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
gint64       cupel_result_get_int64          (CupelResult  *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
double       cupel_result_get_double         (CupelResult  *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_result_get_string         (CupelResult  *self,     /* (transfer none), until the next step; NULL for SQL NULL and for what is no text */
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
GDateTime   *cupel_result_dup_datetime       (CupelResult  *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
GBytes      *cupel_result_dup_bytes          (CupelResult  *self,
                                              guint         column);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_result_get_value          (CupelResult  *self,
                                              guint         column,
                                              GValue       *value);
CUPEL_AVAILABLE_IN_1_0
CupelRow    *cupel_result_dup_row            (CupelResult  *self);    /* the current one */
CUPEL_AVAILABLE_IN_1_0
CupelRow    *cupel_result_next_row           (CupelResult  *self);    /* (transfer full) (nullable): step and dup in one, for scripts */
CUPEL_AVAILABLE_IN_1_0
GPtrArray   *cupel_result_all_rows           (CupelResult  *self);    /* (transfer full) (element-type CupelRow) */
CUPEL_AVAILABLE_IN_1_0
CupelRow    *cupel_result_one_row            (CupelResult  *self,     /* NO_ROW, MULTIPLE_ROWS; closes */
                                              GError      **error);

/* entities: when the first column is a mapped class */
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_result_has_entities       (CupelResult  *self);
CUPEL_AVAILABLE_IN_1_0
gpointer     cupel_result_next               (CupelResult  *self);    /* (transfer none) (nullable) (type GObject.Object): valid until the next call unless somebody else holds it */
CUPEL_AVAILABLE_IN_1_0
gpointer     cupel_result_first              (CupelResult  *self);    /* (transfer full) (nullable) (type GObject.Object): closes; the other rows are discarded */
CUPEL_AVAILABLE_IN_1_0
gpointer     cupel_result_one                (CupelResult  *self,     /* (transfer full) (type GObject.Object): closes */
                                              GError      **error);
CUPEL_AVAILABLE_IN_1_0
gpointer     cupel_result_one_or_none        (CupelResult  *self,
                                              GError      **error);
CUPEL_AVAILABLE_IN_1_0
GListModel  *cupel_result_to_list            (CupelResult  *self);    /* (transfer full): all that is left, as a GListModel */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelRow, cupel_row_unref)

G_END_DECLS
