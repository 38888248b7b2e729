/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-value.h"

G_BEGIN_DECLS

/* Whether a cell that a user supplied may go to a server: text is UTF-8 without U+0000, a decimal is one. Fails with
 * CUPEL_ERROR_DATA naming @name (nullable: "a literal"), never the value. */
gboolean    cupel_cell_validate   (const CupelCell     *cell,
                                   const char          *name,
                                   GError             **error);
/* Converts a cell of @block to what @type asks for, for cells that come from an application. */
gboolean    cupel_cell_convert    (CupelRowBlock       *block,
                                   CupelCell           *cell,
                                   const CupelSqlType  *type,
                                   GError             **error);
/* The SQL type that a value has by itself. */
CupelSqlKind cupel_cell_kind_to_sql_kind (CupelCellKind kind);
/* For messages. */
const char *cupel_cell_kind_name  (CupelCellKind        kind);

gint64      cupel_date_time_to_microseconds (GDateTime *date_time);
/* FALSE: its zone puts it beyond the years 1 to 9999, when it is taken as UTC. */
gboolean    cupel_date_time_is_readable (GDateTime      *date_time);
/* (nullable): NULL outside of the years 1 to 9999 */
GDateTime  *cupel_date_time_from_microseconds (gint64   microseconds);

gint64      cupel_days_from_civil (gint64               year,
                                   guint                month,
                                   guint                day);
void        cupel_civil_from_days (gint64               days,
                                   gint64              *year,
                                   guint               *month,
                                   guint               *day);

/* "01234567-89ab-cdef-0123-456789abcdef" and the same without hyphens or in braces */
gboolean    cupel_parse_uuid      (const char          *text,
                                   gsize                length,
                                   guint8               uuid[16]);
void        cupel_format_uuid     (const guint8         uuid[16],
                                   char                 buffer[37]);
/* The shortest text that reads back as the same number; @buffer: G_ASCII_DTOSTR_BUF_SIZE */
void        cupel_format_double   (double               value,
                                   char                *buffer);

/* What cupel_value_new_string() holds in place of a text that no cell can hold. */
extern const char cupel_text_too_long[];

G_END_DECLS
