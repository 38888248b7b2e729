/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include <gio/gio.h>

#include "sql/cupel-row-block.h"
#include "sql/cupel-sql-type.h"

G_BEGIN_DECLS

/**
 * CupelValue:
 *
 * One owned SQL value: what a literal holds and what a result hands to a script. Immutable, reference-counted.
 */
typedef struct _CupelValue CupelValue;

#define CUPEL_TYPE_VALUE (cupel_value_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType            cupel_value_get_type      (void) G_GNUC_CONST;
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_null      (void);
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_boolean   (gboolean            value);
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_int64     (gint64              value);
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_double    (double              value);
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_string    (const char         *value);   /* NULL: SQL NULL */
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_bytes     (GBytes             *value);
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_datetime  (GDateTime          *value);   /* its instant, as UTC wall clock */
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_from_cell (const CupelCell    *cell);    /* (skip) */
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_new_from_gvalue (const GValue     *value,
                                            GError            **error);
CUPEL_AVAILABLE_IN_1_0
CupelValue      *cupel_value_ref           (CupelValue         *value);
CUPEL_AVAILABLE_IN_1_0
void             cupel_value_unref         (CupelValue         *value);
CUPEL_AVAILABLE_IN_1_0
const CupelCell *cupel_value_get_cell      (const CupelValue   *value);   /* (skip) */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_value_equal         (const CupelValue   *a,
                                            const CupelValue   *b);

/* Between cells and GValues: for scripts and for entities without struct offsets. */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_cell_to_gvalue      (const CupelCell    *cell,
                                            GValue             *value,    /* initialised: converts to its type; zeroed: the natural type */
                                            GError            **error);
/* Checks UTF-8 and U+0000, converts to what @type asks for; the text goes into the arena of @block. */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_cell_from_gvalue    (CupelRowBlock      *block,
                                            CupelCell          *cell,
                                            const CupelSqlType *type,     /* nullable */
                                            const GValue       *value,
                                            GError            **error);
/* Text for people and logs (transfer full). */
CUPEL_AVAILABLE_IN_1_0
char            *cupel_cell_to_string      (const CupelCell    *cell);
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_cell_equal          (const CupelCell    *a,
                                            const CupelCell    *b);
CUPEL_AVAILABLE_IN_1_0
guint            cupel_cell_hash           (const CupelCell    *cell);

/* ISO 8601 text <-> microseconds, for drivers that speak text. "2024-02-29 12:34:56.789" or with T; a zone suffix makes it an instant. */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_parse_datetime      (const char         *text,
                                            gsize               length,
                                            gint64             *microseconds,
                                            gboolean           *has_zone); /* nullable */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_parse_date          (const char         *text,
                                            gsize               length,
                                            gint64             *days);
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_parse_time          (const char         *text,
                                            gsize               length,
                                            gint64             *microseconds);
/* For drivers of databases that know fewer years than a cell. */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_cell_is_within_years (const CupelCell   *cell,
                                            int                 first,
                                            int                 last);
/* Writes "YYYY-MM-DD HH:MM:SS[.ffffff]" and a NUL; the buffer has at least 40 bytes; returns the length. */
CUPEL_AVAILABLE_IN_1_0
gsize            cupel_format_datetime     (gint64              microseconds,
                                            char               *buffer);
CUPEL_AVAILABLE_IN_1_0
gsize            cupel_format_date         (gint64              days,
                                            char               *buffer);
CUPEL_AVAILABLE_IN_1_0
gsize            cupel_format_time         (gint64              microseconds,
                                            char               *buffer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelValue, cupel_value_unref)

G_END_DECLS
